/*
 * Subtests that share one world: each is reported on its own, and a failure is remembered, so that the world shows its
 * logs and stays.
 */

import assert from 'node:assert/strict';

export async function step(t, world, name, body) {
  await t.test(name, async () => {
    try {
      assert.deepEqual(world.complaints(), []);
      await body();
    } catch (error) {
      world.failed = true;
      throw error;
    }
  });
}
