# page.awk - a manual page from its template, the version, the programs' own --help and their tables of settings.
#   awk -v version=1.2.3 -v date=2026-11-25 -v dir=FOLDER -f page.awk page.in
# @VERSION@ and @DATE@ in a line are replaced; a line "@HELP name@" becomes FOLDER/name.help as it stands, a line
# "@SETTINGS name@" the table FOLDER/name.table, one tagged paragraph for each setting.

function roff(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    gsub(/'/, "\\(aq", text)
    if (text ~ /^\./)
        text = "\\&" text
    return text
}

function help(file,    line) {
    print ".nf"
    while ((getline line < file) > 0)
        print roff(line)
    close(file)
    print ".fi"
}

function settings(file,    line, cell, n) {
    while ((getline line < file) > 0) {
        if (line !~ /^\| `/)
            continue
        gsub(/\\\|/, "\001", line)
        n = split(line, cell, / \| /)
        sub(/ \|$/, "", cell[n])
        gsub(/[`*]|^\| /, "", cell[1])
        gsub(/`/, "", cell[2])
        gsub(/[`*]/, "", cell[3])
        gsub(/\001/, "|", cell[5])
        print ".TP"
        print ".B " roff(cell[1])
        print roff(cell[5]) "."
        print ".br"
        print roff(cell[2]) "; " (cell[3] == "required" ? "required" : cell[3] == "none" ? "no default" : "default " roff(cell[3]))
    }
    close(file)
}

/^@HELP / { sub(/^@HELP /, ""); sub(/@$/, ""); help(dir "/" $0 ".help"); next }
/^@SETTINGS / { sub(/^@SETTINGS /, ""); sub(/@$/, ""); settings(dir "/" $0 ".table"); next }
{ gsub(/@VERSION@/, version); gsub(/@DATE@/, date); print }
