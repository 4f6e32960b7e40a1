/*
 * The manifests of packaging/kubernetes: each by the schema of its kind, and together: what one names another has. The
 * configuration in them is read by the relay itself.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { programFile } from '../e2e/lib/world.mjs';
import { instructions } from './lib/containerfile.mjs';
import { readManifests, schemaFaults } from './lib/manifests.mjs';

const PACKAGING = fileURLToPath(new URL('../../packaging/', import.meta.url));
const FOLDER = path.join(PACKAGING, 'kubernetes');
const manifests = readManifests(FOLDER);
const of = (kind) => manifests.find(({ object }) => object.kind === kind).object;
const set = of('StatefulSet');
const pod = set.spec.template.spec;
const [container] = pod.containers;

test('the schemas find wrong and unknown names', () => {
  const wrong = structuredClone(set);
  wrong.spec.replicas = 'one';
  assert.match(schemaFaults(wrong)[0], /replicas must be integer/);
  const unknown = structuredClone(set);
  unknown.spec.template.spec.containers[0].securityContext.readOnlyRootFileSystem = true;
  assert.match(schemaFaults(unknown)[0], /readOnlyRootFileSystem: unknown name/);
  const missing = structuredClone(set);
  delete missing.spec.selector;
  assert.equal(schemaFaults(missing).length, 1);
});

for (const { name, object } of manifests) {
  test(`${name}: ${object.kind} is as its schema says`, () => {
    assert.deepEqual(schemaFaults(object), []);
    if (object.kind !== 'Namespace') assert.equal(object.metadata.namespace, of('Namespace').metadata.name);
  });
}

test('kustomization.yaml names each manifest', () => {
  const { resources } = parse(fs.readFileSync(path.join(FOLDER, 'kustomization.yaml'), 'utf8'));
  assert.deepEqual([...resources].sort(), [...new Set(manifests.map(({ name }) => name))].sort());
});

test('labels, ports and names fit together', () => {
  const labels = set.spec.template.metadata.labels;
  for (const selector of [set.spec.selector.matchLabels, of('Service').spec.selector, of('PodDisruptionBudget').spec.selector.matchLabels, of('NetworkPolicy').spec.podSelector.matchLabels]) {
    for (const [name, value] of Object.entries(selector)) assert.equal(labels[name], value);
  }
  const ports = container.ports.map(({ name }) => name);
  assert.ok(ports.includes(of('Service').spec.ports[0].targetPort));
  assert.ok(ports.includes(of('NetworkPolicy').spec.ingress[0].ports[0].port));
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    assert.ok(ports.includes(container[probe].httpGet.port), probe);
    assert.equal(container[probe].httpGet.scheme, 'HTTPS');
  }
  const backend = of('Ingress').spec.rules[0].http.paths[0].backend.service;
  assert.equal(backend.name, of('Service').metadata.name);
  assert.ok(of('Service').spec.ports.some(({ name }) => name === backend.port.name));
  assert.equal(set.spec.serviceName, of('Service').metadata.name);
  assert.equal(pod.serviceAccountName, of('ServiceAccount').metadata.name);
  const volumes = [...pod.volumes, ...set.spec.volumeClaimTemplates.map(({ metadata }) => metadata)].map(({ name }) => name);
  assert.deepEqual(container.volumeMounts.map(({ name }) => name).sort(), volumes.sort());
  assert.ok(pod.volumes.some(({ configMap }) => configMap?.name === of('ConfigMap').metadata.name));
});

test('the pod may do nothing that the profile "restricted" forbids', () => {
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault');
  for (const one of pod.containers) {
    assert.equal(one.securityContext.allowPrivilegeEscalation, false);
    assert.equal(one.securityContext.readOnlyRootFilesystem, true);
    assert.deepEqual(one.securityContext.capabilities, { drop: ['ALL'] });
  }
  assert.equal(pod.automountServiceAccountToken, false);
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) assert.ok(!pod[name]);
  assert.ok(pod.volumes.every((volume) => volume.hostPath === undefined));
});

test('one writer for one store', () => {
  assert.equal(set.spec.replicas, 1);
  assert.deepEqual(set.spec.volumeClaimTemplates[0].spec.accessModes, ['ReadWriteOnce']);
  assert.equal(pod.securityContext.fsGroupChangePolicy, 'OnRootMismatch');
});

test('the image is that of the Containerfile', () => {
  const image = {};
  let stage;
  for (const { word, text } of instructions(path.join(PACKAGING, 'container/Containerfile'))) {
    if (word === 'FROM') stage = text.split(' ').at(-1);
    if (stage === 'relay') image[word] = text;
  }
  assert.equal(image.USER, `${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`);
  assert.equal(image.EXPOSE, `${container.ports[0].containerPort}/tcp`);
  assert.deepEqual(JSON.parse(image.CMD), container.args);
});

test('the relay accepts the configuration, and stops within the time it is given', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlc-k8s-'));
  try {
    const text = of('ConfigMap').data['relay.conf'];
    const secrets = path.join(dir, 'secrets');
    fs.mkdirSync(secrets);
    for (const [, name] of text.matchAll(/"credential:([^"]+)"/g)) fs.writeFileSync(path.join(secrets, name), `secret of ${name}\n`, { mode: 0o440 });
    const file = path.join(dir, 'relay.conf');
    fs.writeFileSync(file, text);
    const run = spawnSync(programFile('MLC_RELAY', 'ml-relay'), ['--check-config', file], { encoding: 'utf8', env: { ...process.env, CREDENTIALS_DIRECTORY: secrets } });
    assert.equal(run.status, 0, run.stderr);
    assert.equal(container.env.find(({ name }) => name === 'CREDENTIALS_DIRECTORY').value, '/etc/ml-connector/secrets');
    const seconds = (name) => Number(text.match(new RegExp(`${name} = "(\\d+)s"`))[1]);
    assert.ok(pod.terminationGracePeriodSeconds >= seconds('stop_delay') + seconds('stop_timeout') + 20);
    assert.ok(seconds('stop_delay') >= container.readinessProbe.periodSeconds * container.readinessProbe.failureThreshold + container.readinessProbe.timeoutSeconds);
    assert.ok(text.includes(`listen_port = ${container.ports[0].containerPort};`));
    for (const [, mounted] of text.matchAll(/"(\/(?:etc|var|run)\/[^"]+)"/g)) {
      assert.ok(container.volumeMounts.some(({ mountPath }) => mounted.startsWith(`${mountPath}/`)), `${mounted} is on no volume`);
    }
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
});
