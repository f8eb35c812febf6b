/** Simulated Modbus meters read by a library that is not ours, over a real pseudo-terminal. */
import modbusSerial from 'modbus-serial';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningSim, startSim } from '../../sim/street.ts';

describe('an independent Modbus master', () => {
  let sim: RunningSim;
  const master = new modbusSerial.default();

  beforeAll(async () => {
    sim = await startSim('mixed-models', { ports: 'pty' });
    const [path = ''] = sim.ports.find(({ name }) => name === 'sdm630-1')!.port.split('?');
    await master.connectRTUBuffered(path, { baudRate: 9600, parity: 'none' });
    master.setTimeout(2000);
    master.setID(1);
  });
  afterAll(async () => {
    await new Promise<void>((resolve) => master.close(() => resolve()));
    await sim.stop();
  });
  const truth = () => sim.source.readingAt('sdm630-101', sim.streetMs());

  it("reads an SDM630's volts, amps and energy as floats in input registers", async () => {
    const volts = (await master.readInputRegisters(0x0000, 6)).buffer;
    for (const phase of [0, 1, 2]) expect(volts.readFloatBE(4 * phase)).toBeCloseTo(truth().voltageV?.[phase] ?? 0, -1);
    const amps = (await master.readInputRegisters(0x0006, 2)).buffer.readFloatBE();
    expect(Math.abs(amps - (truth().currentA?.[0] ?? 0))).toBeLessThan(1 + 0.2 * amps);
    const kwh = (await master.readInputRegisters(0x0048, 2)).buffer.readFloatBE();
    expect(kwh).toBeCloseTo((truth().importWh ?? 0) / 1000, 0);
  });

  it('is told with exception 2 what register is not there, and hears nothing from another unit', async () => {
    await expect(master.readInputRegisters(0x7000, 2)).rejects.toMatchObject({ modbusCode: 2 });
    master.setID(77);
    master.setTimeout(300);
    await expect(master.readInputRegisters(0, 2)).rejects.toMatchObject({ errno: 'ETIMEDOUT' });
    master.setID(1);
    master.setTimeout(2000);
    expect((await master.readInputRegisters(0x0046, 2)).buffer.readFloatBE()).toBeCloseTo(50, 0);
  });
});
