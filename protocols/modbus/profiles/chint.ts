/**
 * Chint's DTSU666 is one case with several firmwares under one name: what differs is the scaling, and Huawei's has
 * a map of its own. Positive power is import in all of them.
 */
import type { Profile, Row } from '../row.ts';

const dtsu666Rows = [
  { name: 'import-energy', address: 0x101e, type: 'f32', unit: 'kWh', feeds: 'importWh' },
  { name: 'export-energy', address: 0x1028, type: 'f32', unit: 'kWh', feeds: 'exportWh' },
  { name: 'voltage-l1', address: 0x2006, type: 'f32', unit: 'V', scale: 0.1, feeds: 'voltageV', phase: 1 },
  { name: 'voltage-l2', address: 0x2008, type: 'f32', unit: 'V', scale: 0.1, feeds: 'voltageV', phase: 2 },
  { name: 'voltage-l3', address: 0x200a, type: 'f32', unit: 'V', scale: 0.1, feeds: 'voltageV', phase: 3 },
  { name: 'line-voltage-l12', address: 0x2000, type: 'f32', unit: 'V', scale: 0.1 },
  { name: 'line-voltage-l23', address: 0x2002, type: 'f32', unit: 'V', scale: 0.1 },
  { name: 'line-voltage-l31', address: 0x2004, type: 'f32', unit: 'V', scale: 0.1 },
  { name: 'current-l1', address: 0x200c, type: 'f32', unit: 'A', scale: 0.001, feeds: 'currentA', phase: 1 },
  { name: 'current-l2', address: 0x200e, type: 'f32', unit: 'A', scale: 0.001, feeds: 'currentA', phase: 2 },
  { name: 'current-l3', address: 0x2010, type: 'f32', unit: 'A', scale: 0.001, feeds: 'currentA', phase: 3 },
  { name: 'active-power', address: 0x2012, type: 'f32', unit: 'W', scale: 0.1, feeds: 'activePowerW' },
  { name: 'active-power-l1', address: 0x2014, type: 'f32', unit: 'W', scale: 0.1 },
  { name: 'active-power-l2', address: 0x2016, type: 'f32', unit: 'W', scale: 0.1 },
  { name: 'active-power-l3', address: 0x2018, type: 'f32', unit: 'W', scale: 0.1 },
  { name: 'reactive-power', address: 0x201a, type: 'f32', unit: 'var', scale: 0.1, feeds: 'reactivePowerVar' },
  { name: 'power-factor', address: 0x202a, type: 'f32', unit: '1', scale: 0.001 },
  { name: 'power-factor-l1', address: 0x202c, type: 'f32', unit: '1', scale: 0.001, feeds: 'powerFactor', phase: 1 },
  { name: 'power-factor-l2', address: 0x202e, type: 'f32', unit: '1', scale: 0.001, feeds: 'powerFactor', phase: 2 },
  { name: 'power-factor-l3', address: 0x2030, type: 'f32', unit: '1', scale: 0.001, feeds: 'powerFactor', phase: 3 },
  { name: 'frequency', address: 0x2044, type: 'f32', unit: 'Hz', scale: 0.01, feeds: 'frequencyHz' },
] as const satisfies readonly Row[];

export const dtsu666 = {
  name: 'dtsu666',
  vendor: 'Chint',
  model: 'DTSU666, direct connection',
  source: 'DTSU666/DSSU666 user manual: holding registers, floats of the last digit shown on the display',
  table: 'holding',
  words: 'high-first',
  rows: dtsu666Rows,
} as const satisfies Profile;

/** Behind current transformers: the same registers, on the secondary side. */
export const dtsu666Ct = {
  ...dtsu666,
  name: 'dtsu666-ct',
  model: 'DTSU666-CT, behind current transformers',
  secondary: true,
} as const satisfies Profile;

export const dtsu666H = {
  name: 'dtsu666-h',
  vendor: 'Chint for Huawei',
  model: 'DTSU666-H',
  source: 'what a SUN2000 asks its meter (unit 11): 40 floats from 0836H in engineering units',
  table: 'holding',
  words: 'high-first',
  identity: { table: 'holding', address: 0x07d1, oneOf: [0x3b11, 0x3f80] },
  rows: [
    { name: 'current-l1', address: 0x0836, type: 'f32', unit: 'A', feeds: 'currentA', phase: 1 },
    { name: 'current-l2', address: 0x0838, type: 'f32', unit: 'A', feeds: 'currentA', phase: 2 },
    { name: 'current-l3', address: 0x083a, type: 'f32', unit: 'A', feeds: 'currentA', phase: 3 },
    { name: 'voltage-l1', address: 0x083e, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 1 },
    { name: 'voltage-l2', address: 0x0840, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 2 },
    { name: 'voltage-l3', address: 0x0842, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 3 },
    { name: 'line-voltage-l12', address: 0x0846, type: 'f32', unit: 'V' },
    { name: 'line-voltage-l23', address: 0x0848, type: 'f32', unit: 'V' },
    { name: 'line-voltage-l31', address: 0x084a, type: 'f32', unit: 'V' },
    { name: 'frequency', address: 0x084c, type: 'f32', unit: 'Hz', feeds: 'frequencyHz' },
    { name: 'active-power', address: 0x084e, type: 'f32', unit: 'W', feeds: 'activePowerW' },
    { name: 'active-power-l1', address: 0x0850, type: 'f32', unit: 'W' },
    { name: 'active-power-l2', address: 0x0852, type: 'f32', unit: 'W' },
    { name: 'active-power-l3', address: 0x0854, type: 'f32', unit: 'W' },
    { name: 'reactive-power', address: 0x0856, type: 'f32', unit: 'var', feeds: 'reactivePowerVar' },
    { name: 'apparent-power', address: 0x085e, type: 'f32', unit: 'VA' },
    { name: 'power-factor', address: 0x0866, type: 'f32', unit: '1' },
    { name: 'power-factor-l1', address: 0x0868, type: 'f32', unit: '1', feeds: 'powerFactor', phase: 1 },
    { name: 'power-factor-l2', address: 0x086a, type: 'f32', unit: '1', feeds: 'powerFactor', phase: 2 },
    { name: 'power-factor-l3', address: 0x086c, type: 'f32', unit: '1', feeds: 'powerFactor', phase: 3 },
    { name: 'import-energy', address: 0x0876, type: 'f32', unit: 'kWh', feeds: 'importWh' },
    { name: 'export-energy', address: 0x087e, type: 'f32', unit: 'kWh', feeds: 'exportWh' },
  ],
} as const satisfies Profile;
