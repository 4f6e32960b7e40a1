/*
 * Subtests that share one world: each is reported on its own, and a failure is remembered, so that the world shows its
 * logs and stays.
 */

export async function step(t, world, name, body) {
  await t.test(name, async () => {
    try {
      await body();
    } catch (error) {
      world.failed = true;
      throw error;
    }
  });
}
