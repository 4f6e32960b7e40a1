/*
 * Manifests of Kubernetes and their schemas (npm: kubernetes-models, made from the API's own definition). The validators
 * overlook names they do not know, as the API server's strict mode does not: which names were never looked at is seen by
 * a proxy around each object.
 */

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';

const require = createRequire(import.meta.url);

export function readManifests(folder) {
  return fs.readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml').sort()
    .flatMap((name) => parseAllDocuments(fs.readFileSync(path.join(folder, name), 'utf8'), { uniqueKeys: true }).map((document) => {
      if (document.errors.length > 0) throw new Error(`${name}: ${document.errors[0].message}`);
      return { name, object: document.toJS() };
    }));
}

/** A view of a value that writes down which names of its objects were read. */
function watched(value, seen) {
  if (value === null || typeof value !== 'object') return value;
  const known = seen.get(value);
  if (known) return known.view;
  const read = new Set();
  const view = new Proxy(value, {
    get(target, name) {
      if (typeof name === 'string') read.add(name);
      return watched(target[name], seen);
    },
  });
  seen.set(value, { view, read });
  return view;
}

function unread(value, seen, where) {
  if (value === null || typeof value !== 'object') return [];
  const read = seen.get(value)?.read ?? new Set();
  return Object.entries(value).flatMap(([name, member]) => {
    if (!Array.isArray(value) && !read.has(name)) return [`${where}/${name}: unknown name`];
    return unread(member, seen, `${where}/${name}`);
  });
}

/** Everything that the schema of its kind says against an object. */
export function schemaFaults(object) {
  const [group, version] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : [undefined, object.apiVersion];
  const model = require(`kubernetes-models/${group ? `${group}/` : ''}${version}/${object.kind}`)[object.kind];
  const seen = new Map();
  try {
    model.prototype.validate.call(watched(object, seen));
  } catch (error) {
    return [error.message];
  }
  return unread(object, seen, object.kind);
}
