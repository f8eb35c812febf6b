/**
 * The platform's side, small: checks what comes, collapses what comes twice, and sends receipts. What `watch` and
 * `demo` show, what tests measure against, and an example for those who write the real one.
 */
import mqtt, { type MqttClient } from 'mqtt';
import type { Receipt } from '../outbox.ts';
import { causeOf } from './back-off.ts';
import { sendAtOnce } from './mqtt-connect.ts';
import { type Decoded, decodeMessage, encodeReceipt, type Format } from './wire.ts';

export interface PlatformSettings {
  /** `mqtt://host:port` or `mqtts://…`; credentials and certificates through `connection`. */
  broker: string;
  connection?: mqtt.IClientOptions;
  /** One gateway's name, or `+` for all. */
  gateway?: string;
  /** False: listen only. */
  receipts?: boolean;
  format?: Format;
}

export interface PlatformEvents {
  /** A message that had not come before, or a status. */
  onMessage(gateway: string, message: Exclude<Decoded, { type: 'problem' | 'receipt' }>): void;
  /** What does not keep to the schema. */
  onProblem?(topic: string, problem: string): void;
  /** The connection failed; it is opened again. */
  onDown?(reason: string): void;
}

export interface Platform {
  /** Messages taken, and those that came again. */
  readonly counts: { taken: number; again: number; problems: number };
  close(): Promise<void>;
}

/** Receipts wait this long to go together; and as many messages as this are remembered to collapse by. */
const RECEIPT_AFTER_MS = 10;
const RECEIPT_MAX = 200;
const REMEMBERED_MAX = 200_000;

/** Subscribes and goes on until closed; reconnects by itself. @throws when the first connection fails */
export async function listenAsPlatform(settings: PlatformSettings, events: PlatformEvents): Promise<Platform> {
  const { broker, gateway = '+', receipts = true, format = 'cbor' } = settings;
  const client = await connect(broker, settings.connection);
  const collapse = collapser(REMEMBERED_MAX);
  const counts = { taken: 0, again: 0, problems: 0 };
  const stored = new Map<string, Receipt[]>();
  let timer: NodeJS.Timeout | undefined;

  const flush = () => {
    timer = undefined;
    for (const [name, list] of stored) sendReceipt(client, name, list, format);
    stored.clear();
  };
  const note = (name: string, receipt: Receipt) => {
    const list = stored.get(name) ?? [];
    stored.set(name, list);
    if (list.push(receipt) >= RECEIPT_MAX) flush();
    timer ??= setTimeout(flush, RECEIPT_AFTER_MS);
  };
  sendAtOnce(client);
  client.on('connect', () => sendAtOnce(client));
  client.on('error', (error) => events.onDown?.(error.message));
  client.on('message', (topic, payload) => {
    const message = decodeMessage(topic, payload);
    const name = topic.split('/')[2] ?? '';
    if (message.type === 'receipt') return;
    if (message.type === 'problem') {
      counts.problems++;
      return events.onProblem?.(topic, message.problem);
    }
    if (message.type === 'status') return events.onMessage(name, message);
    const receipt = receiptOf(message);
    if (collapse(`${name}/${identityOf(message)}`)) {
      counts.taken++;
      events.onMessage(name, message);
    } else counts.again++;
    // Also for what came again: the first receipt may have been lost.
    if (receipts) note(name, receipt);
  });
  await client.subscribeAsync(`gw/1/${gateway}/up/#`, { qos: 1 });
  return {
    counts,
    async close() {
      clearTimeout(timer);
      flush();
      await client.endAsync();
    },
  };
}

/** MQTT 5, or 3.1.1 where the broker has nothing newer. */
async function connect(broker: string, connection?: mqtt.IClientOptions): Promise<MqttClient> {
  const attempt = (protocolVersion: 4 | 5) =>
    mqtt.connectAsync(broker, { reconnectPeriod: 500, ...connection, protocolVersion }, false);
  try {
    return await attempt(5);
  } catch (error) {
    const hungUp = error instanceof Error && error.message === "Couldn't connect to server";
    if (!hungUp && !causeOf(error).tryOlder) throw error;
    return attempt(4);
  }
}

/** True for a key that has not come among the last `remembered`. */
export function collapser(remembered: number): (key: string) => boolean {
  const seen = new Set<string>();
  return (key) => {
    if (seen.has(key)) return false;
    seen.add(key);
    if (seen.size > remembered) seen.delete(seen.values().next().value ?? '');
    return true;
  };
}

/** What makes two deliveries the same: not the sequence, which is given anew where a disk was lost or came late. */
export function identityOf(message: Exclude<Decoded, { type: 'problem' | 'receipt' | 'status' }>): string {
  switch (message.type) {
    case 'alert':
      return `${message.alert.id}/${message.alert.state}/${message.alert.at}`;
    case 'step':
      return `${message.step.alert}/${message.step.step}/${message.step.at}`;
    case 'result':
      return `${message.result.id}/${message.result.status}`;
    case 'summary':
      return receiptOf(message).id;
    default:
      return message satisfies never;
  }
}

/** What a receipt for this message names. */
export function receiptOf(message: Exclude<Decoded, { type: 'problem' | 'receipt' | 'status' }>): Receipt {
  const { sequence } = message;
  switch (message.type) {
    case 'alert':
      return { sequence, id: message.alert.id };
    case 'step':
      return { sequence, id: message.step.alert };
    case 'result':
      return { sequence, id: message.result.id };
    case 'summary':
      return { sequence, id: `${message.summary.cell}@${message.summary.from}` };
    default:
      return message satisfies never;
  }
}

function sendReceipt(client: MqttClient, gateway: string, receipts: Receipt[], format: Format): void {
  if (!client.connected || receipts.length === 0) return;
  client.publish(`gw/1/${gateway}/down/receipt`, Buffer.from(encodeReceipt(receipts, format)), { qos: 1 }, () => {});
}
