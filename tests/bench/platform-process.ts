/** A platform in a process of its own, so that its work does not count as the gateway's. Tells its parent how many came. */
import { listenAsPlatform } from '../../firmware/uplink/platform.ts';

const platform = await listenAsPlatform({ broker: process.argv[2] ?? '' }, { onMessage: () => {} });
process.send?.({ ready: true });
setInterval(() => process.send?.({ taken: platform.counts.taken }), 10);
process.on('disconnect', () => process.exit(0));
