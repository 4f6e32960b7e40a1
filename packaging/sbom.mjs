// sbom.mjs - a bill of materials (SPDX 2.3, JSON) of the programs: each shared library they load, and its Debian package.
//   node packaging/sbom.mjs VERSION PROGRAM... > sbom.spdx.json
// What is dynamically linked comes from ldd, whose package from dpkg. SOURCE_DATE_EPOCH gives the date.
import { createHash } from "node:crypto";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";

const [version, ...programs] = process.argv.slice(2);
const epoch = Number(process.env.SOURCE_DATE_EPOCH);
if (!version || programs.length === 0 || !Number.isInteger(epoch)) {
    console.error("usage: SOURCE_DATE_EPOCH=SECONDS node sbom.mjs VERSION PROGRAM...");
    process.exit(2);
}

const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const sha = (algorithm, data) => createHash(algorithm).update(data).digest("hex");
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
    const [fullVersion, source, maintainer, homepage] = run("dpkg-query", "--show",
        "--showformat=${Version}\t${source:Package}\t${Maintainer}\t${Homepage}", name).split("\t");
    return { name, version: fullVersion, source, maintainer, homepage };
}

const id = (text) => `SPDXRef-${text.replace(/[^A-Za-z0-9.-]/g, "-")}`;
const libraries = new Map(programs.map((program) => [program, librariesOf(program)]));
const owners = ownersOf([...new Set([...libraries.values()].flat())]);
const loads = new Map([...libraries].map(([program, files]) => (
    [program, [...new Set(files.map((file) => owners.get(file)))].sort()])));
const names = [...new Set([...loads.values()].flat().concat(plugins))].sort();

const packages = [
    {
        SPDXID: id("ml-connector"), name: "ml-connector", versionInfo: version, downloadLocation: "NOASSERTION",
        filesAnalyzed: false, licenseConcluded: "NOASSERTION", licenseDeclared: "NOASSERTION",
        copyrightText: "NOASSERTION",
    },
    ...names.map(describe).map((found) => ({
        SPDXID: id(found.name), name: found.name, versionInfo: found.version, downloadLocation: "NOASSERTION",
        supplier: `Organization: ${found.maintainer}`, filesAnalyzed: false, licenseConcluded: "NOASSERTION",
        licenseDeclared: "NOASSERTION", copyrightText: "NOASSERTION", sourceInfo: `Debian source package ${found.source}`,
        ...(found.homepage ? { homepage: found.homepage } : {}),
        externalRefs: [{
            referenceCategory: "PACKAGE-MANAGER", referenceType: "purl",
            referenceLocator: `pkg:deb/debian/${found.name}@${encodeURIComponent(found.version)}`,
        }],
    })),
];
const files = programs.map((program) => {
    const bytes = readFileSync(program);
    return {
        SPDXID: id(`file-${basename(program)}`), fileName: `./${basename(program)}`, fileTypes: ["BINARY"],
        licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION",
        checksums: [
            { algorithm: "SHA1", checksumValue: sha("sha1", bytes) },
            { algorithm: "SHA256", checksumValue: sha("sha256", bytes) },
        ],
    };
});
const relationships = [
    { spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: id("ml-connector") },
    ...files.map((file) => (
        { spdxElementId: id("ml-connector"), relationshipType: "CONTAINS", relatedSpdxElement: file.SPDXID })),
    ...[...loads].flatMap(([program, needed]) => needed.map((name) => (
        { spdxElementId: id(`file-${basename(program)}`), relationshipType: "DYNAMIC_LINK", relatedSpdxElement: id(name) }))),
    ...plugins.map((name) => (
        { spdxElementId: id("ml-connector"), relationshipType: "DEPENDS_ON", relatedSpdxElement: id(name) })),
];
const digest = sha("sha256", JSON.stringify([packages, files, relationships]));
console.log(JSON.stringify({
    spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", name: `ml-connector-${version}`,
    documentNamespace: `https://ml-connector.invalid/spdx/ml-connector-${version}-${digest}`,
    creationInfo: {
        created: new Date(epoch * 1000).toISOString().replace(".000Z", "Z"),
        creators: ["Tool: ml-connector packaging/sbom.mjs"],
    },
    packages, files, relationships,
}, null, 2));
