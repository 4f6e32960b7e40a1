// sbom_document.mjs - what bills of materials (CycloneDX 1.6, JSON) have in common: packaging/sbom.mjs, packaging/windows/sbom.mjs.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

// The reference of a component within the document.
export const programRef = (program) => `program:${basename(program)}`;

export const product = (version) => ({
    type: "application", "bom-ref": "ml-connector", name: "ml-connector", version,
    licenses: [{ license: { name: "proprietary; all rights reserved" } }],
});

export function programComponent(program, version) {
    return {
        type: "application", "bom-ref": programRef(program), name: basename(program), version,
        hashes: [{ alg: "SHA-256", content: createHash("sha256").update(readFileSync(program)).digest("hex") }],
    };
}

// A name for a document that is the same for the same content: a UUID of the kind "made by its maker's own rule".
function serialNumber(...content) {
    const digest = createHash("sha256").update(JSON.stringify(content)).digest("hex");
    const [, a, b, c, d, e] = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(digest);
    return `urn:uuid:${a}-${b}-8${c}-8${d}-${e}`;
}

export function print({ maker, version, components, dependencies, epoch }) {
    const component = product(version);
    console.log(JSON.stringify({
        bomFormat: "CycloneDX", specVersion: "1.6", serialNumber: serialNumber(component, components, dependencies, epoch), version: 1,
        metadata: {
            timestamp: new Date(epoch * 1000).toISOString().replace(".000Z", "Z"),
            tools: { components: [{ type: "application", name: `ml-connector ${maker}` }] },
            component,
        },
        components, dependencies,
    }, null, 2));
}
