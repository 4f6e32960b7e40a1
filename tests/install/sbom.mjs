// sbom.mjs - is a bill of materials valid by the schema of CycloneDX 1.6, and does it name what the programs are linked with?
//   node tests/install/sbom.mjs FILE
// Packages: npm ci --omit=optional in this folder.
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

const text = readFileSync(process.argv[2], "utf8");
// What it cannot judge (a validator that is missing) is thrown.
const fault = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
if (fault !== null) throw new Error(`not valid: ${JSON.stringify(fault)}`);

const bom = JSON.parse(text);
const names = new Set(bom.components.map((component) => component.name));
for (const name of ["ml-agent", "ml-relay", "mlctl", "liblmdb0", "libwebsockets17", "libcurl4", "libssl3", "libmbedcrypto7"])
    if (!names.has(name)) throw new Error(`${name} is missing`);
const refs = new Set(bom.components.map((component) => component["bom-ref"]));
for (const { dependsOn } of bom.dependencies)
    for (const ref of dependsOn) if (!refs.has(ref)) throw new Error(`${ref} is no component`);
