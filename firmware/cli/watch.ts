/** `gridwarden watch`: a platform in a terminal. Checks every message, prints the alerts, answers with receipts. */
import { listenAsPlatform } from '../uplink/platform.ts';
import { aborted, BadInput, Failed, many, print, say, untilStopped } from './io.ts';

export interface WatchOptions {
  broker: string;
  /** Commander's form of `--no-receipts`. */
  receipts: boolean;
  for?: number;
}

export async function watch(options: WatchOptions): Promise<void> {
  if (!/^mqtts?:\/\/\S+$/.test(options.broker)) {
    throw new BadInput(`--broker ${options.broker}: expected mqtt://host:port or mqtts://host:port`);
  }
  const signal = untilStopped(options.for);
  let alerts = 0;
  let statuses = 0;
  const platform = await listenAsPlatform(
    { broker: options.broker, receipts: options.receipts, connection: { connectTimeout: 10_000 } },
    {
      onMessage(gateway, message) {
        if (message.type === 'alert') {
          alerts++;
          print(message.flags.length === 0 ? message.alert : { ...message.alert, flags: message.flags });
        } else if (message.type === 'status') {
          statuses++;
          say(`${gateway}: ${message.status.state} (${message.status.reason}), ${message.status.waiting} waiting`);
        } else say(`${gateway}: ${JSON.stringify(message)}`);
      },
      onProblem: (topic, problem) => say(`${topic}: ${problem}`),
    },
  ).catch((error: Error) => {
    throw new Failed(
      `${options.broker}: ${error.message || (error as NodeJS.ErrnoException).code}: expected an MQTT broker there`,
    );
  });
  await aborted(signal);
  await platform.close();
  const { taken, again, problems } = platform.counts;
  // What a gateway says of its own state needs no receipt, so the platform does not count it.
  const kinds = `${many(alerts, 'alert')}, ${many(statuses, 'state')} of a gateway`;
  say(`${many(taken + statuses, 'message')} (${kinds}), ${again} came again, ${problems} not to the schema`);
  if (problems > 0) throw new Failed(`${many(problems, 'message')} did not keep to the schema`);
}
