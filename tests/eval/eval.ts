/** `npm run eval -- charging|homes|network [--json]`: detection measured on `../shared/data`, figures as they are. */

const SUITES = {
  charging: () => import('./charging.ts'),
  homes: () => import('./homes.ts'),
  network: () => import('./network.ts'),
} as const;

const [which, ...flags] = process.argv.slice(2);
if (which === undefined || !(which in SUITES)) {
  console.error(`eval: expected one of ${Object.keys(SUITES).join(', ')}, got ${which ?? 'nothing'}`);
  process.exit(2);
}
const strange = flags.find((flag) => flag !== '--json');
if (strange !== undefined) {
  console.error(`eval: Unknown option '${strange}': expected --json`);
  process.exit(2);
}
const suite = await SUITES[which as keyof typeof SUITES]();
await suite.run({ json: flags.includes('--json') });
