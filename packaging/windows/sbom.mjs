// sbom.mjs - a bill of materials (CycloneDX 1.6, JSON) of the programs for Windows: each library that is linked into them, as the
// source package of Debian that packaging/windows/deps.sh built it from, or the package that has it for mingw-w64.
//   SOURCE_DATE_EPOCH=SECONDS node packaging/windows/sbom.mjs VERSION DEPS PROGRAM... > FILE    (DEPS: build/windows/deps)
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { print, programComponent, programRef } from "../sbom_document.mjs";

const [version, deps, ...programs] = process.argv.slice(2);
const epoch = Number(process.env.SOURCE_DATE_EPOCH);
if (programs.length === 0 || !Number.isInteger(epoch)) {
    console.error("usage: SOURCE_DATE_EPOCH=SECONDS node sbom.mjs VERSION DEPS PROGRAM...");
    process.exit(2);
}

// Not in what is shipped: the tests' own.
const notShipped = new Set(["cmocka"]);
// What mingw-w64 and the compiler link into each program, and zlib.
const binaries = ["gcc-mingw-w64-x86-64-posix-runtime", "libz-mingw-w64", "mingw-w64-x86-64-dev"];

const packageRef = (name) => `package:${name}`;

function component(name, found, arch) {
    return {
        type: "library", "bom-ref": packageRef(name), name, version: found,
        purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(found)}?arch=${arch}`,
    };
}

// A stamp is "NAME VERSION ...".
const sources = readdirSync(join(deps, "stamps")).sort().filter((name) => !notShipped.has(name)).map((name) => {
    const [, found] = readFileSync(join(deps, "stamps", name), "utf8").split(" ");
    return component(name, found, "source");
});
const linked = [...sources, ...binaries.map((name) => (
    component(name, execFileSync("dpkg-query", ["--show", "--showformat=${Version}", name], { encoding: "utf8" }), "all")))];
const refs = linked.map((one) => one["bom-ref"]).sort();

print({
    maker: "packaging/windows/sbom.mjs", version, epoch,
    components: [...programs.map((program) => programComponent(program, version)), ...linked],
    // All are linked with all of them: the linker takes what it needs.
    dependencies: [{ ref: "ml-connector", dependsOn: programs.map(programRef) }, ...programs.map((program) => ({ ref: programRef(program), dependsOn: refs }))],
});
