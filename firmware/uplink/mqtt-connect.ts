/** One attempt to reach one broker with one version of MQTT: a client that is connected, or why not. */
import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { LinkOptions } from '../link.ts';
import { type BackOff, type Cause, causeOf, HUNG_UP } from './back-off.ts';
import { readTls, type TlsFiles } from './certificates.ts';

export interface MqttSettings {
  /** In order of preference: `mqtt://host:1883`, `mqtts://host:8883`. */
  brokers: readonly string[];
  clientId: string;
  username?: string;
  /** Read at each connection; one line. */
  passwordFile?: string;
  tls?: TlsFiles;
  keepaliveS?: number;
  /** Own bound on one packet, whatever the broker would take. */
  maxPacketBytes?: number;
  connectTimeoutMs?: number;
  backOff?: BackOff;
}

export interface Connected {
  client: MqttClient;
  broker: string;
  protocolVersion: 4 | 5;
  /** Messages in flight and bytes of a packet: ours, or less where the broker takes less. */
  window: number;
  maxPacketBytes: number;
  address: string | undefined;
  /** Reason code of the PUBACK that is being handled. */
  lastPubackCode(): number;
}

export interface Attempt {
  broker: string;
  protocolVersion: 4 | 5;
  /** Used in place of the name, which is still what the certificate is checked against. */
  address: string | undefined;
  settings: MqttSettings;
  options: LinkOptions;
  /** Gives the attempt up. */
  signal: AbortSignal;
}

/** Beyond 20 messages in flight nothing gets faster, and 20 is what common brokers hold. */
const WINDOW_MAX = 20;
const MAX_PACKET_BYTES = 65_536;
const CONNECT_TIMEOUT_MS = 15_000;
/** How long a broker keeps receipts and commands for a gateway whose link is down. */
const SESSION_S = 300;

/** Never rejects. */
export function connectOnce(attempt: Attempt): Promise<Connected | Cause> {
  const { broker, protocolVersion, settings, signal } = attempt;
  if (signal.aborted) return Promise.resolve(causeOf(new Error('closed')));
  let client: MqttClient;
  try {
    client = mqtt.connect(clientOptions(attempt));
  } catch (error) {
    return Promise.resolve(causeOf(error));
  }
  let pubackCode = 0;
  client.on('packetreceive', (packet) => {
    if (packet.cmd === 'puback') pubackCode = packet.reasonCode ?? 0;
  });
  return new Promise((resolve) => {
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', giveUp);
      client.end(true);
      resolve(causeOf(error));
    };
    const giveUp = () => fail(new Error('closed'));
    signal.addEventListener('abort', giveUp);
    // Stays for the life of the client: an `error` without a listener would end the process.
    client.on('error', fail);
    client.on('close', () => fail(new Error(HUNG_UP)));
    client.once('connect', (connack) => {
      signal.removeEventListener('abort', giveUp);
      sendAtOnce(client);
      const limits = connack.properties;
      const own = settings.maxPacketBytes ?? MAX_PACKET_BYTES;
      resolve({
        client,
        broker,
        protocolVersion,
        window: Math.max(1, Math.min(WINDOW_MAX, limits?.receiveMaximum ?? WINDOW_MAX)),
        maxPacketBytes: Math.min(own, limits?.maximumPacketSize ?? own),
        address: socketOf(client).remoteAddress,
        lastPubackCode: () => pubackCode,
      });
    });
  });
}

function clientOptions({ broker, protocolVersion, address, settings, options }: Attempt): IClientOptions {
  const url = new URL(broker);
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'mqtts:';
  if (!secure && url.protocol !== 'mqtt:') throw new Error(`${url.protocol}// is neither mqtt:// nor mqtts://`);
  const five = protocolVersion === 5;
  const username = settings.username ?? decodeURIComponent(url.username);
  return {
    protocol: secure ? 'mqtts' : 'mqtt',
    protocolVersion,
    // The library would keep a buffer for each of the 65,536 packet numbers: eight megabytes for a window of twenty.
    writeCache: false,
    hostname: address ?? hostname,
    host: address ?? hostname,
    port: Number(url.port) || (secure ? 8883 : 1883),
    ...(secure && {
      rejectUnauthorized: true,
      ...(isIP(hostname) === 0 && { servername: hostname }),
      minVersion: 'TLSv1.2',
      ...readTls(settings.tls ?? {}),
    }),
    clientId: settings.clientId,
    ...(username !== '' && { username }),
    ...(settings.passwordFile !== undefined && { password: readFileSync(settings.passwordFile, 'utf8').trim() }),
    keepalive: settings.keepaliveS ?? 30,
    connectTimeout: settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    messageIdProvider: new mqtt.UniqueMessageIdProvider(),
    // Receipts and commands of a short outage still arrive; 3.1.1 has no expiry, so there each session is a new one.
    clean: !five,
    ...(five && {
      properties: { sessionExpiryInterval: SESSION_S, maximumPacketSize: MAX_PACKET_BYTES, receiveMaximum: WINDOW_MAX },
    }),
    will: { topic: options.will.topic, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
  };
}

/** The socket under a client; the library's type shows only a stream. */
function socketOf(client: MqttClient): Partial<Pick<Socket, 'remoteAddress' | 'setNoDelay'>> {
  return client.stream as Partial<Socket>;
}

/** Small packets wait up to 40 ms for the other side's delayed acknowledgement otherwise. */
export function sendAtOnce(client: MqttClient): void {
  socketOf(client).setNoDelay?.(true);
}
