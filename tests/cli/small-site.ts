import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The smallest site file there is, whose meter and broker answer nobody, with further lines from its fifth on. */
export function writeSmallSite(directory: string, ...more: string[]): string {
  const path = join(directory, 'site.yaml');
  const lines = [
    'gateway: { id: gw-1 }',
    'buses:',
    "  - { port: 'tcp://127.0.0.1:1', meters: [{ protocol: modbus, unit: 1, profile: sdm630 }] }",
    'uplink: { brokers: [mqtt://127.0.0.1:1] }',
    ...more,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
