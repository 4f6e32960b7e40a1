# example.awk - a complete configuration file from the table of --help-config.
#   awk -v name=ml-agent -v file=agent.conf -f example.awk agent.values table
# What agent.values names stands there with its value; all else as a comment with its default. A group may stand only
# once in a file, so the settings are collected as a tree first. Names without a value in the table are an error.

FNR == NR {
    at = index($0, " = ")
    if (at > 0)
        value[substr($0, 1, at - 1)] = substr($0, at + 3)
    next
}

# | `agent.id` | string, 1 to 64 bytes of text | **required** | `MLC_AGENT_ID` | Name of ... |
/^\| `/ {
    line = $0
    gsub(/\\\|/, "\001", line)
    split(line, cell, / \| /)
    path = cell[1]
    gsub(/^\| `|`$/, "", path)
    type[path] = cell[2]
    preset[path] = cell[3]
    meaning = cell[5]
    sub(/ \|$/, "", meaning)
    gsub(/\001/, "|", meaning)
    what[path] = meaning
    add(path)
}

# Each group on the way is a child of its parent, in the order of the table.
function add(path,    parts, n, i, parent, node) {
    n = split(path, parts, ".")
    parent = ""
    for (i = 1; i <= n; i++) {
        node = parent == "" ? parts[i] : parent "." parts[i]
        if (!(node in seen)) {
            seen[node] = 1
            child[parent, ++children[parent]] = node
            last_name[node] = parts[i]
        }
        parent = node
    }
}

function text_of(path,    given) {
    given = preset[path]
    gsub(/^`|`$/, "", given)
    if (given == "none")
        return type[path] ~ /^list/ ? "[ ]" : "..."
    return type[path] ~ /^(integer|boolean)/ ? given : "\"" given "\""
}

# At most 116 characters a line.
function comment(indent, text,    words, n, i, line) {
    n = split(text, words, " ")
    line = indent "#"
    for (i = 1; i <= n; i++) {
        if (length(line) + length(words[i]) > 115) {
            print line
            line = indent "#  "
        }
        line = line " " words[i]
    }
    print line
}

function setting(path, indent,    kind, none) {
    kind = type[path]
    gsub(/`/, "", kind)
    none = preset[path] == "none" ? "; not set" : ""
    if (preset[path] == "**required**")
        none = "; required"
    print ""
    comment(indent, what[path])
    comment(indent, "(" kind none ")")
    if (path in value) {
        print indent last_name[path] " = " value[path] ";"
        used[path] = 1
    } else if (preset[path] == "**required**") {
        print "example.awk: " path " is required and has no value" >"/dev/stderr"
        failed = 1
    } else
        print indent "#" last_name[path] " = " text_of(path) ";"
}

function group(node, indent,    i, next_node, plain) {
    for (i = 1; i <= children[node]; i++) {
        next_node = child[node, i]
        if (next_node in type)
            setting(next_node, indent)
        else {
            plain = last_name[next_node]
            print ""
            if (sub(/\[\]$/, "", plain)) {
                comment(indent, "A list: one { ... } for each, separated by commas.")
                print indent plain " = ( {"
                group(next_node, indent "    ")
                print indent "} );"
            } else {
                print indent plain " = {"
                group(next_node, indent "    ")
                print indent "};"
            }
        }
    }
}

END {
    print "# /etc/ml-connector/" file " - configuration of " name ": ml-connector.conf(5), " name "(8)."
    print "# A setting that begins with # is at its default, or not set. After a change:"
    print "#   " name " --check-config /etc/ml-connector/" file
    group("", "")
    for (path in value)
        if (!(path in used)) {
            print "example.awk: " path " is no setting of " name >"/dev/stderr"
            failed = 1
        }
    exit failed
}
