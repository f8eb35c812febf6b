/** Energies: 2007 table A.1, with 63 tariffs and 12 settlement days where the standard has them. */
import { hexByte } from '../../bytes.ts';
import { PHASES, type Row } from './row.ts';

const KWH = { unit: 'kWh', format: 'NNNNNN.NN' } as const;
const KVARH = { unit: 'kvarh', format: 'NNNNNN.NN' } as const;
const KVAH = { unit: 'kVAh', format: 'NNNNNN.NN' } as const;

/** DI2 of the total; the phases' follow 14H, 28H and 3CH later. Combined quantities may be negative. */
const KINDS = [
  { di2: 0x01, en: 'forward active energy', zh: '正向有功', ...KWH },
  { di2: 0x02, en: 'reverse active energy', zh: '反向有功', ...KWH },
  { di2: 0x03, en: 'combined reactive energy 1', zh: '组合无功1', ...KVARH, signed: true },
  { di2: 0x04, en: 'combined reactive energy 2', zh: '组合无功2', ...KVARH, signed: true },
  { di2: 0x05, en: 'quadrant 1 reactive energy', zh: '第一象限无功', ...KVARH },
  { di2: 0x06, en: 'quadrant 2 reactive energy', zh: '第二象限无功', ...KVARH },
  { di2: 0x07, en: 'quadrant 3 reactive energy', zh: '第三象限无功', ...KVARH },
  { di2: 0x08, en: 'quadrant 4 reactive energy', zh: '第四象限无功', ...KVARH },
  { di2: 0x09, en: 'forward apparent energy', zh: '正向视在', ...KVAH },
  { di2: 0x0a, en: 'reverse apparent energy', zh: '反向视在', ...KVAH },
] as const;

/** DI2 of the total; the phases' follow 14H, 28H and 3CH later, as above. No tariffs. */
const PARTS = [
  { di2: 0x80, en: 'associated energy', zh: '关联' },
  { di2: 0x81, en: 'forward fundamental active energy', zh: '正向有功基波' },
  { di2: 0x82, en: 'reverse fundamental active energy', zh: '反向有功基波' },
  { di2: 0x83, en: 'forward harmonic active energy', zh: '正向有功谐波' },
  { di2: 0x84, en: 'reverse harmonic active energy', zh: '反向有功谐波' },
  { di2: 0x85, en: 'copper loss compensation', zh: '铜损有功补偿' },
  { di2: 0x86, en: 'iron loss compensation', zh: '铁损有功补偿' },
] as const;

export const ENERGY: readonly Row[] = [
  { di: '0000TTHH', en: 'combined active energy {TT}{HH}', zh: '{HH}组合有功{TT}电能', ...KWH, signed: true },
  ...KINDS.map(({ di2, en, zh, ...value }) => ({
    di: `00${hexByte(di2)}TTHH`,
    en: `${en} {TT}{HH}`,
    zh: `{HH}${zh}{TT}电能`,
    ...value,
  })),
  ...PARTS.map(({ di2, en, zh }) => ({
    di: `00${hexByte(di2)}00HH`,
    en: `${en} total{HH}`,
    zh: `{HH}${zh}总电能`,
    ...KWH,
  })),
  ...PHASES.flatMap((phase) => [
    ...KINDS.map(({ di2, en, zh, ...value }) => ({
      di: `00${hexByte(di2 + phase.offset)}00HH`,
      en: `${en} ${phase.en}{HH}`,
      zh: `{HH}${phase.zh}${zh}电能`,
      ...value,
    })),
    ...PARTS.map(({ di2, en, zh }) => ({
      di: `00${hexByte(di2 + phase.offset)}00HH`,
      en: `${en} ${phase.en}{HH}`,
      zh: `{HH}${phase.zh}${zh}电能`,
      ...KWH,
    })),
  ]),
  { di: '00900100', en: 'remaining energy', zh: '剩余电量', ...KWH },
  { di: '00900101', en: 'overdraft energy', zh: '透支电量', ...KWH },
  { di: '00900200', en: 'remaining amount', zh: '剩余金额', unit: 'yuan', format: 'NNNNNN.NN' },
  { di: '00900201', en: 'overdraft amount', zh: '透支金额', unit: 'yuan', format: 'NNNNNN.NN' },
];
