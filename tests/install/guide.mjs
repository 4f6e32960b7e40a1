// guide.mjs - carries out the commands of a guide as its reader would, and compares what they print with what it promises.
//   node tests/install/guide.mjs GUIDE.md SECTION... < SETUP.json       sections by the beginning of their "## " heading
//   node tests/install/guide.mjs --list GUIDE.md                        sections that have commands
// SETUP.json: { "machines": { NAME: [COMMAND, ARGUMENT...] }, "secrets": { FILE: TEXT }, "token": FILE }; a command line is run by
// "COMMAND ARGUMENT... bash -c LINE". Output: "ok MACHINE: LINE" or "FAILED ..." for each, at the end "N passed, N failed".
//
// Blocks of a guide, by the words after the fence:
//   console MACHINE     "$ LINE", continued while it ends with a backslash, then what it prints; "..." stands for any text, also
//                       for lines. A line that is to fail is followed by "... (exit status N)".
//   conf MACHINE FILE   settings in the form of the file; each is set where it stands in that file, also as a comment
//   sh MACHINE          a script
//   console             without a machine: not for here (other systems); counted as "not run"
// MLC_GUIDE_SHOW=1 shows what each command printed, for who writes the guide.
// A command that reads a secret ("/dev/stdin FILE") gets that of the file's name; "enroll" gets the token last handed out, also in
// a run before this one: it is kept in the file "token".
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

const listing = process.argv[2] === "--list";
const [file, ...wanted] = process.argv.slice(listing ? 3 : 2);

function readBlocks(text) {
    const blocks = [];
    let section = "";
    let block = null;
    for (const [at, line] of text.split("\n").entries()) {
        const fence = /^```(.*)$/.exec(line);
        if (fence && block === null) {
            const [kind, machine, target] = fence[1].split(" ");
            block = { section, kind, machine, target, line: at + 1, lines: [] };
        } else if (fence) {
            if (["console", "conf", "sh"].includes(block.kind)) blocks.push(block);
            block = null;
        } else if (block) {
            block.lines.push(line);
        } else if (line.startsWith("## ")) {
            section = line.slice(3);
        }
    }
    if (block) throw new Error(`${file}:${block.line}: the block does not end`);
    return blocks;
}

function readSteps(block) { // of a console: [{ command, expected }]
    const steps = [];
    let continued = false;
    for (const line of block.lines) {
        if (continued) steps.at(-1).command += `\n${line}`;
        else if (line.startsWith("$ ")) steps.push({ command: line.slice(2), expected: [] });
        else if (steps.length > 0) steps.at(-1).expected.push(line);
        else throw new Error(`${file}:${block.line}: output before the first command`);
        continued = (continued || line.startsWith("$ ")) && line.endsWith("\\");
    }
    return steps;
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function patternOf(expected) { // lines; "..." is any text
    const lines = expected.map((line) => (
        line.trim() === "..." ? "(?:.*\\n)*?" : `${line.trimEnd().split("...").map(escape).join(".*")} *\\n`));
    return new RegExp(`^${lines.join("").replace(/\\n$/, "\\n?")}$`);
}

// Settings with their groups: "dynamics.url" of `dynamics = {` and `url = "..."`. A list's brackets count as a group.
function* settingsOf(lines) {
    const groups = [];
    for (const [at, line] of lines.entries()) {
        const setting = /^\s*(#?)([a-z_]+) = (.*);\s*(?:#.*)?$/.exec(line);
        const group = /^\s*([a-z_]+) = [({]/.exec(line);
        if (setting) yield { at, path: [...groups, setting[2]].join("."), name: setting[2], value: setting[3] };
        else if (group) groups.push(group[1]);
        else if (/^\s*\}/.test(line)) groups.pop();
    }
}

function setAll(content, block) {
    const lines = content.split("\n");
    for (const { path, name, value } of settingsOf(block.lines)) {
        const found = [...settingsOf(lines)].find((setting) => setting.path === path);
        if (!found) throw new Error(`${block.target} has no setting ${path}`);
        lines[found.at] = `${/^\s*/.exec(lines[found.at])[0]}${name} = ${value};`;
    }
    return lines.join("\n");
}

class Reader {
    constructor(setup) {
        this.setup = setup;
        this.passed = 0;
        this.failed = 0;
    }

    run(machine, line, input) {
        // By cat, since Node.js's own pipe is a socket, which cannot be opened again as /dev/stdin.
        const words = ["-c", 'cat | "$@"', "_", ...this.setup.machines[machine], "bash", "-c", line];
        const done = spawnSync("bash", words, { encoding: "utf8", input, timeout: 180000 });
        if (done.error) throw done.error;
        return { status: done.status, output: done.stdout + done.stderr };
    }

    inputFor(command) {
        const secret = /\/dev\/stdin (\S+)/.exec(command);
        if (secret) return `${this.setup.secrets[basename(secret[1])]}\n`;
        if (/ml-agent enroll/.test(command)) return `${readFileSync(this.setup.token, "utf8")}\n`;
        return "";
    }

    tell(good, block, command, detail) {
        const what = `${block.machine}: ${command.split("\n")[0]}`;
        if (good) this.passed += 1;
        else this.failed += 1;
        console.log(good ? `ok ${what}` : `FAILED ${what} (${file}:${block.line})\n${detail}`);
    }

    console(block) {
        for (const { command, expected } of readSteps(block)) {
            const status = /^\.\.\. \(exit status (\d+)\)$/.exec(expected.at(-1) ?? "");
            if (status) expected.pop();
            // What a command prints beside the point (progress of apt, say) a guide leaves out whole.
            const fits = (code, text) => code === Number(status?.[1] ?? 0) && (expected.length === 0 || patternOf(expected).test(text));
            let { status: real, output } = this.run(block.machine, command, this.inputFor(command));
            if (/enroll-token/.test(command)) writeFileSync(this.setup.token, /^token +(\S+)$/m.exec(output)?.[1] ?? "");
            // What only looks is looked at again, as a reader would, until what travels has arrived.
            for (let again = 0; !fits(real, output) && /^mlctl (status|flows|parked|xref) /.test(`${command} `) && again < 30; again += 1) {
                spawnSync("sleep", ["1"]);
                ({ status: real, output } = this.run(block.machine, command, ""));
            }
            if (process.env.MLC_GUIDE_SHOW) console.log(`$ ${command}\n${output}`);
            this.tell(fits(real, output), block, command, `exit status ${real}; printed:\n${output}\nexpected:\n${expected.join("\n")}`);
        }
    }

    sh(block) {
        const { status, output } = this.run(block.machine, `set -e\n${block.lines.join("\n")}`, "");
        this.tell(status === 0, block, block.lines[0], `exit status ${status}; printed:\n${output}`);
    }

    conf(block) {
        const { status: absent, output } = this.run(block.machine, `cat ${block.target}`, "");
        if (absent) return this.tell(false, block, `settings in ${block.target}`, output);
        const { status } = this.run(block.machine, `cat >${block.target}`, setAll(output, block));
        return this.tell(status === 0, block, `settings in ${block.target}`, `exit status ${status}`);
    }
}

const blocks = readBlocks(readFileSync(file, "utf8"));
if (listing) {
    console.log([...new Set(blocks.filter((block) => block.machine).map((block) => block.section))].join("\n"));
} else {
    const reader = new Reader(JSON.parse(readFileSync(0, "utf8")));
    for (const name of wanted) {
        const chosen = blocks.filter((block) => block.section.startsWith(name));
        if (chosen.length === 0) throw new Error(`${file} has no section "${name}" with commands`);
        for (const block of chosen) {
            if (block.machine) reader[block.kind](block);
            else console.log(`not run: block of line ${block.line}`);
        }
    }
    console.log(`${reader.passed} passed, ${reader.failed} failed`);
    process.exitCode = reader.failed === 0 && reader.passed > 0 ? 0 : 1;
}
