/**
 * What a Mosquitto broker needs to know of gateways and platforms: who may read and write which topics. The name in a
 * client's certificate is its user name, and a gateway's topics carry its name, so one pattern holds for all of them.
 */

export interface BrokerFiles {
  listenPort: number;
  caFile: string;
  certFile: string;
  keyFile: string;
  aclFile: string;
  /** Certificates that are no longer trusted. */
  crlFile?: string;
  /** Where the broker keeps its sessions. */
  directory: string;
}

/** A common name goes into topics: wildcards and level separators in it would open others' topics. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Lines for `mosquitto.conf`: certificates on both sides, no take-over of a name by another certificate, bounds. */
export function mosquittoConfig(files: BrokerFiles): string {
  const lines = [
    'per_listener_settings true',
    `listener ${files.listenPort}`,
    'require_certificate true',
    'use_identity_as_username true',
    'use_username_as_clientid true',
    `cafile ${files.caFile}`,
    `certfile ${files.certFile}`,
    `keyfile ${files.keyFile}`,
    ...(files.crlFile === undefined ? [] : [`crlfile ${files.crlFile}`]),
    'tls_version tlsv1.2',
    'allow_anonymous false',
    `acl_file ${files.aclFile}`,
    'max_packet_size 65536',
    'max_inflight_messages 20',
    'max_queued_messages 100000',
    'persistence true',
    `persistence_location ${files.directory}/`,
    'autosave_on_changes true',
    'autosave_interval 1',
  ];
  return `${lines.join('\n')}\n`;
}

export interface Platforms {
  /** Store alerts and send receipts. */
  ingest?: readonly string[];
  /** Send commands and hear their results. */
  command?: readonly string[];
  /** Hear the alerts of some grid cells only. */
  cells?: Readonly<Record<string, readonly string[]>>;
}

/**
 * The ACL file. Each gateway writes under its own `up` and reads under its own `down`, and nothing else; whoever stores
 * alerts cannot command, and whoever commands cannot send receipts.
 * @throws RangeError for a name or a grid cell that does not fit into a topic
 */
export function mosquittoAcl({ ingest = [], command = [], cells = {} }: Platforms): string {
  const users: [string, string[]][] = [
    ...ingest.map((user): [string, string[]] => [user, ['read gw/1/+/up/#', 'write gw/1/+/down/receipt']]),
    ...command.map((user): [string, string[]] => [
      user,
      ['read gw/1/+/up/result', 'read gw/1/+/up/status', 'write gw/1/+/down/command'],
    ]),
    ...Object.entries(cells).map(([user, names]): [string, string[]] => [
      user,
      names.map((cell) => {
        if (/[+#/\0\s]/.test(cell)) throw new RangeError(`grid cell ${cell}: expected no + # / and no blanks`);
        return `read gw/1/+/up/alert/${cell}`;
      }),
    ]),
  ];
  const lines = ['pattern write gw/1/%u/up/#', 'pattern read gw/1/%u/down/#'];
  for (const [user, topics] of users) {
    if (!NAME.test(user)) throw new RangeError(`${user}: expected letters, digits, dots and dashes, at most 63`);
    lines.push(`user ${user}`, ...topics.map((topic) => `topic ${topic}`));
  }
  return `${lines.join('\n')}\n`;
}
