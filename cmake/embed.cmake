# Writes OUT, a C file with the bytes of each FILES (separated by commas) as map_defaults[] of map/map_default.h; a file's
# kind is its name. Run as a script: cmake -DOUT=... -DFILES=... -P embed.cmake
string(REPLACE "," ";" FILES "${FILES}")
set(arrays "")
set(rows "")
set(n 0)
foreach(file ${FILES})
  get_filename_component(kind ${file} NAME_WE)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(LENGTH "${hex}" digits)
  math(EXPR len "${digits} / 2")
  string(APPEND arrays "static const unsigned char text_${n}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${kind}\", text_${n}, ${len}},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "/* Made by cmake/embed.cmake. */\n#include \"map/map_default.h\"\n\n${arrays}\n"
  "const map_default map_defaults[] = {\n${rows}    {NULL, NULL, 0}};\n")
