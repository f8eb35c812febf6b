/**
 * `npm run chaos [-- --seconds N]`: kills of gateway and broker under load, then rebuilt power cuts. Without N it goes
 * on until 300 gateways and 100 brokers were killed. The last line is `lost=N duplicated=N`; exit 1 if anything that had
 * been acknowledged was lost or came out of its meter's order.
 */
import { optionsOf } from '../support/options.ts';
import { runKills } from './kills.ts';
import { type CutReport, hasStrace, runPowerCuts } from './power-cut.ts';

const values = optionsOf('chaos', { seconds: { type: 'string' } });
const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
if (seconds !== undefined && !(seconds > 0)) {
  console.error('chaos: --seconds: expected a number above 0');
  process.exit(2);
}

const kills = await runKills({ gatewayKills: 300, brokerKills: 100, deadlineMs: (seconds ?? 3_600) * 1_000 });
console.log(
  `kills: gateway ${kills.gatewayKills}, broker ${kills.brokerKills}; acknowledged ${kills.acknowledged}, ` +
    `lost ${kills.lost}, duplicated ${kills.duplicated}, out of order ${kills.disordered}, ` +
    `delivered again and collapsed ${kills.again}`,
);

let cuts: CutReport = { images: 0, lost: 0, failedStarts: 0 };
if (hasStrace()) {
  cuts = await runPowerCuts(120, 1_000, Math.random);
  console.log(`power cuts: images ${cuts.images}, lost ${cuts.lost}, failed starts ${cuts.failedStarts}`);
} else console.log('power cuts: SKIPPED, strace is not installed (Debian: apt-get install strace)');

const lost = kills.lost + cuts.lost;
console.log(`lost=${lost} duplicated=${kills.duplicated}`);
process.exit(lost > 0 || kills.duplicated > 0 || kills.disordered > 0 || cuts.failedStarts > 0 ? 1 : 0);
