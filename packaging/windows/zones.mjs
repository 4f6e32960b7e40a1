// zones.mjs - the files of the time zones as a fragment for wixl; wixl's own maker of such lists draws identities by lot.
//   find FOLDER -type f -printf '%P\n' | node packaging/windows/zones.mjs > zones.wxs     (their folder is the variable ZONES of wixl)
//   node packaging/windows/zones.mjs --uuid TEXT
// Identities are made of names: the same names, the same bytes.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const hash = (text) => createHash("sha1").update(`ml-connector:${text}`).digest("hex").toUpperCase();

/** Version 5: of a name. */
function uuid(name) {
    const hex = hash(name);
    const variant = ((parseInt(hex[16], 16) & 3) | 8).toString(16).toUpperCase();
    return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, variant + hex.slice(17, 20), hex.slice(20, 32)].join("-");
}

/** { name: subfolder or null } */
function tree(files) {
    const root = {};
    for (const file of files) {
        const steps = file.split("/");
        const name = steps.pop();
        const folder = steps.reduce((at, step) => (at[step] ??= {}), root);
        folder[name] = null;
    }
    return root;
}

function print(folder, path, indent, out) {
    for (const [name, inner] of Object.entries(folder)) {
        const here = path ? `${path}/${name}` : name;
        const id = hash(here).slice(0, 24);
        if (inner) {
            out.push(`${indent}<Directory Id="dir${id}" Name="${name}">`);
            print(inner, here, `${indent}  `, out);
            out.push(`${indent}</Directory>`);
        } else {
            out.push(`${indent}<Component Win64="yes" Id="cmp${id}" Guid="${uuid(`component:${here}`)}">`,
                `${indent}  <File Id="fil${id}" KeyPath="yes" Source="$(var.ZONES)/${here}" />`, `${indent}</Component>`);
        }
    }
    return out;
}

if (process.argv[2] === "--uuid") {
    console.log(uuid(process.argv[3]));
} else {
    const files = readFileSync(0, "utf8").split("\n").filter(Boolean).sort();
    const odd = files.find((file) => !/^[A-Za-z0-9_+/-]+$/.test(file));
    if (odd !== undefined || files.length === 0) throw new Error(odd ? `${odd} is no name of a zone` : "no zones");
    const lines = print(tree(files), "", "      ", []);
    const components = lines.flatMap((line) => line.match(/Id="(cmp[^"]*)"/)?.slice(1) ?? []);
    console.log(["<?xml version=\"1.0\" encoding=\"utf-8\"?>", "<Wix xmlns=\"http://schemas.microsoft.com/wix/2006/wi\">", "  <Fragment>",
        "    <DirectoryRef Id=\"ZONEINFO\">", ...lines, "    </DirectoryRef>", "  </Fragment>", "  <Fragment>",
        "    <ComponentGroup Id=\"Zones\">", ...components.map((id) => `      <ComponentRef Id="${id}" />`), "    </ComponentGroup>",
        "  </Fragment>", "</Wix>"].join("\n"));
}
