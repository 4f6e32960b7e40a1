/* The settings that tests change while the simulator runs, with their defaults. */

export const defaultConfig = (given) => ({
  /** Orchestrations answer application errors with 200 and jde__status ERROR. */
  appErrorsAs200: false,
  /** Their status otherwise. */
  orchestrationErrorStatus: 400,
  maxRowsPerRequest: 1000,
  resultSetTimeoutMs: 60000,
  tokenLifetimeS: 1800,
  maxSessions: 100,
  maxSessionsStatus: 500,
  wrongDeviceStatus: 444,
  /** Added to each call before it is executed. */
  latencyMs: 0,
  /** Written rows become visible this much later than their stamp says. */
  commitDelayMs: 0,
  padStrings: true,
  /** user | julian | iso | yyyyMMdd */
  dateOutput: 'user',
  ...given,
});

const DATE_OUTPUTS = ['user', 'julian', 'iso', 'yyyyMMdd'];

/** Takes known settings of the right type only. */
export function changeConfig(config, changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (!(name in config) || typeof value !== typeof config[name]) throw new Error(`not a setting, or of another type: ${name}`);
    if (name === 'dateOutput' && !DATE_OUTPUTS.includes(value)) throw new Error(`dateOutput must be one of ${DATE_OUTPUTS.join(', ')}`);
  }
  Object.assign(config, changes);
}
