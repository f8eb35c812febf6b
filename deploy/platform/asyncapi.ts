/** The contract between gateway and platform as an AsyncAPI 3 document, from the same tables as the codec. */
import { z } from 'zod';
import { OPERATIONS } from '../../firmware/commands/operations.ts';
import { commandSchema, jsonSchemas } from './json-schema.ts';

const UP = {
  alert: {
    address: 'gw/1/{gateway}/up/alert/{cell}',
    summary: 'An alert: raised, updated or cleared. `cell` is its grid cell, `-` where it has none.',
  },
  step: { address: 'gw/1/{gateway}/up/step', summary: 'What happened to an alert: its timeline.' },
  result: {
    address: 'gw/1/{gateway}/up/result',
    summary: 'The answer to a command, with the command’s id; after status started a second one says how it ended.',
  },
  summary: { address: 'gw/1/{gateway}/up/summary', summary: 'What a grid cell used. Off by default.' },
  status: { address: 'gw/1/{gateway}/up/status', summary: 'Retained; offline also as the last will.' },
} as const;

const DESCRIPTION = `
Every message is a CBOR map with integer keys (gridwarden.cddl) or, where the gateway is set so, JSON with the same
names (schema/). The first byte tells: 7B is JSON. What every alert has stands in CBOR without keys, in one string of
bits, its head.

**Receipts.** A PUBACK says that the broker has a message, not that the platform has. A gateway keeps alert, step,
result and summary until a receipt names [sequence, id]; without one it sends again after 30 s, then at growing
intervals. Send receipts after your own commit, up to 1,000 in one message, also for what came before: the first receipt
may have been lost. The id of a receipt is \`id\` of an alert or result, \`alert\` of a step, \`cell@from\` of a summary.

**Duplicates and order.** Delivery is at least once: collapse by gateway, id, state and at (answers
to commands by id and status). Of one meter, a gateway sends
the next message only after the receipt for the one before, so each meter's messages come in their order. Behind a shared
subscription (\`$share/platform/gw/1/+/up/alert/+\`) keep that order by sequence.

**Flags.** \`replayed\`: sent later than decided. \`clock-unsynchronised\`: \`at\` comes from a clock that was not set.
\`not-durable\`: the gateway's disk refused it; a power cut before the receipt would lose it.

**Commands.** A JWS in compact form, signed with Ed25519 (\`alg\` EdDSA, \`kid\` the key's id), at most 16,384 bytes. The
counter of each key grows; commands may overtake each other by up to 64. The same bytes again give the same answer. What a
restart interrupted is answered \`unknown\` and not done again, and so is an order to a meter whose answer was lost: look
before it is given again. An update is answered \`started\` at once, and again when
the new image has proved itself, was refused, or gave way to the old one.
`.trim();

export function asyncApi(): Record<string, unknown> {
  const schemas = jsonSchemas();
  const gateway = { description: 'name of the gateway: letters, digits, dots, dashes' };
  const cell = { description: 'grid cell' };
  const up = Object.entries(UP).map(([name, { address, summary }]) => [
    name,
    {
      address,
      description: summary,
      parameters: { gateway, ...(address.includes('{cell}') && { cell }) },
      messages: { [name]: { $ref: `#/components/messages/${name}` } },
    },
  ]);
  const down = (name: string, description: string) => ({
    address: `gw/1/{gateway}/down/${name}`,
    description,
    parameters: { gateway },
    messages: { [name]: { $ref: `#/components/messages/${name}` } },
  });
  const message = (name: keyof typeof schemas) => [
    name,
    { name, contentType: 'application/cbor', payload: schemas[name] },
  ];
  return {
    asyncapi: '3.0.0',
    info: { title: 'Gridwarden gateway', version: '1.0.0', description: DESCRIPTION, license: { name: 'Apache-2.0' } },
    defaultContentType: 'application/cbor',
    servers: {
      broker: {
        host: 'broker.example:8883',
        protocol: 'secure-mqtt',
        protocolVersion: '5.0',
        security: [{ type: 'X509' }],
      },
    },
    channels: {
      ...Object.fromEntries(up),
      receipt: down('receipt', 'What the platform has stored.'),
      command: down('command', 'What a grid worker or operator asks.'),
    },
    operations: {
      ...Object.fromEntries(
        Object.keys(UP).map((name) => [
          `send-${name}`,
          {
            action: 'send',
            channel: { $ref: `#/channels/${name}` },
            bindings: { mqtt: { qos: 1, retain: name === 'status' } },
          },
        ]),
      ),
      'receive-receipt': { action: 'receive', channel: { $ref: '#/channels/receipt' }, bindings: { mqtt: { qos: 1 } } },
      'receive-command': {
        action: 'receive',
        channel: { $ref: '#/channels/command' },
        bindings: { mqtt: { qos: 1 } },
        reply: { channel: { $ref: '#/channels/result' } },
      },
    },
    components: {
      messages: {
        ...Object.fromEntries((Object.keys(schemas) as (keyof typeof schemas)[]).map(message)),
        command: {
          name: 'command',
          contentType: 'application/jose',
          summary: 'JWS compact serialisation; the schema is that of its body.',
          payload: commandSchema,
        },
      },
      schemas: Object.fromEntries(
        Object.entries(OPERATIONS).map(([op, { roles, args }]) => [
          `args-${op}`,
          {
            description: `May be asked by: ${roles.join(', ')}.`,
            ...withoutDialect(z.toJSONSchema(args, { io: 'input' })),
          },
        ]),
      ),
    },
  };
}

function withoutDialect(schema: Record<string, unknown>): Record<string, unknown> {
  const { $schema: _, ...rest } = schema;
  return rest;
}
