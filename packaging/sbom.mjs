// sbom.mjs - a bill of materials (CycloneDX 1.6, JSON) of the programs: each shared library they load, as the Debian package
// that it comes from.
//   node packaging/sbom.mjs VERSION PROGRAM... > sbom.cdx.json
// What is dynamically linked comes from ldd, whose package from dpkg. SOURCE_DATE_EPOCH gives the date; the same programs on
// the same system give the same bytes.
import { execFileSync, spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { print, programComponent, programRef } from "./sbom_document.mjs";

const [version, ...programs] = process.argv.slice(2);
const epoch = Number(process.env.SOURCE_DATE_EPOCH);
if (!version || programs.length === 0 || !Number.isInteger(epoch)) {
    console.error("usage: SOURCE_DATE_EPOCH=SECONDS node sbom.mjs VERSION PROGRAM...");
    process.exit(2);
}

const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
// Loaded at run time by libwebsockets, so ldd does not see it.
const plugins = ["libwebsockets-evlib-uv"];

// A merged /usr: dpkg knows a file by the path its package has it under.
function spellings(library) {
    return [library, realpathSync(library)].flatMap((path) => [path, path.replace(/^\/usr/, ""), `/usr${path}`]);
}

// All at once: one search reads the lists of all packages.
function ownersOf(libraries) {
    const search = spawnSync("dpkg-query", ["--search", ...new Set(libraries.flatMap(spellings))], { encoding: "utf8" });
    const owners = new Map(search.stdout.trim().split("\n").map((line) => {
        const at = line.indexOf(": ");
        return [line.slice(at + 2), line.slice(0, at).replace(/:.*/, "")];
    }));
    return new Map(libraries.map((library) => {
        const found = spellings(library).find((path) => owners.has(path));
        if (!found) throw new Error(`no package has ${library}`);
        return [library, owners.get(found)];
    }));
}

function librariesOf(program) {
    return [...run("ldd", program).matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1]);
}

function describe(name) {
    const [fullVersion, architecture, source, maintainer, homepage] = run("dpkg-query", "--show",
        "--showformat=${Version}\t${Architecture}\t${source:Package}\t${Maintainer}\t${Homepage}", name).split("\t");
    return { name, version: fullVersion, architecture, source, maintainer, homepage };
}

const libraries = new Map(programs.map((program) => [program, librariesOf(program)]));
const owners = ownersOf([...new Set([...libraries.values()].flat())]);
const loads = new Map([...libraries].map(([program, files]) => (
    [program, [...new Set(files.map((file) => owners.get(file)))].sort()])));
const names = [...new Set([...loads.values()].flat().concat(plugins))].sort();

const packageRef = (name) => `package:${name}`;

function packageComponent(name) {
    const found = describe(name);
    const architecture = `?arch=${found.architecture}`;
    return {
        type: "library", "bom-ref": packageRef(name), supplier: { name: found.maintainer.replace(/ <.*/, "") },
        name, version: found.version,
        purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(found.version)}${architecture}`,
        ...(found.homepage ? { externalReferences: [{ type: "website", url: found.homepage }] } : {}),
        properties: [{ name: "debian:source", value: found.source }],
    };
}

const components = [...programs.map((program) => programComponent(program, version)), ...names.map(packageComponent)];
const dependencies = [
    { ref: "ml-connector", dependsOn: programs.map(programRef) },
    ...programs.map((program) => (
        { ref: programRef(program), dependsOn: [...loads.get(program), ...plugins].map(packageRef) })),
];

print({ maker: "packaging/sbom.mjs", version, components, dependencies, epoch });
