/** The local page: tabs over the gateway's API, live by server-sent events. */
import type { Alert } from '../../../detectors/alert.ts';
import type { Case } from '../../commands/desk.ts';
import type { PageEvent, StatusView } from '../source.ts';
import { differential, harmonics, loadCurve, type Wave, waveform } from './charts.ts';
import { api, el, facts, LoginNeeded } from './dom.ts';
import { currentLanguage, say, setLanguage, time } from './words.ts';

const TABS = {
  meters: showMeters,
  alerts: showAlerts,
  bus: showBus,
  tools: showTools,
  site: showSite,
  logs: showLogs,
} as const;
type Tab = keyof typeof TABS;

const REFRESH_MS = 5_000;
const main = byId('main');
let tab: Tab = 'meters';
let status: StatusView | undefined;

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`#${id} is missing`);
  return element;
}

function drawFrame(): void {
  byId('tabs').replaceChildren(
    ...(Object.keys(TABS) as Tab[]).map((name) =>
      el(
        'button',
        { type: 'button', ...(name === tab ? { 'aria-current': 'page' } : {}), onclick: () => open(name) },
        say(name),
      ),
    ),
  );
  const button = byId('language');
  button.textContent = currentLanguage() === 'zh' ? 'English' : '中文';
  button.lang = currentLanguage() === 'zh' ? 'en' : 'zh';
  if (status === undefined) return;
  byId('name').textContent = `Gridwarden ${status.gateway}`;
  const { uplink } = status;
  byId('state').replaceChildren(
    el(
      'span',
      { class: uplink.up ? 'good' : 'bad' },
      `● ${say(uplink.up ? 'platform reached' : 'platform not reached')}`,
    ),
    ` · ${uplink.waiting} ${say('waiting')} · ${status.readings.toLocaleString()} ${say('readings')} · ${time(status.nowMs)}`,
    ...certificate(uplink.certificateDays),
    ...(status.clockSynchronised ? [] : [el('span', { class: 'warn' }, ` · ${say('clock unset')}`)]),
  );
}

/** How long the gateway's certificate still holds, louder in its last month. */
function certificate(days: number | null): (Node | string)[] {
  if (days === null) return [];
  const text = ` · ${say('certificate')} ${days} ${say('days')}`;
  return [el('span', { class: days < 0 ? 'bad' : days < 30 ? 'warn' : 'dim' }, text)];
}

function open(name: Tab): void {
  tab = name;
  drawFrame();
  show(TABS[name]);
}

/** Where one view draws: the screen while it is the view asked for last, nowhere afterwards. */
interface Surface {
  replace(...nodes: HTMLElement[]): void;
  append(node: HTMLElement): void;
}
let asked = 0;

/**
 * Runs a view; a session that ended leads to the login, any other fault is shown where the view would be.
 * Answers come in any order: one that arrives after another view was opened must not be drawn over it.
 */
function show(view: (screen: Surface) => Promise<void>): void {
  const turn = ++asked;
  const screen: Surface = {
    replace: (...nodes) => turn === asked && main.replaceChildren(...nodes),
    append: (node) => turn === asked && main.append(node),
  };
  view(screen).catch((error: unknown) => {
    if (turn !== asked) return;
    if (error instanceof LoginNeeded) showLogin();
    else screen.replace(el('p', { class: 'bad fault', role: 'alert' }, String(error)));
  });
}

function showLogin(problem = ''): void {
  asked++;
  const input = el('input', { type: 'password', autocomplete: 'current-password', required: true });
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await api('POST', '/api/login', { password: input.value });
      start();
    } catch (error) {
      showLogin((error as Error).message);
    }
  };
  main.replaceChildren(
    el(
      'form',
      { class: 'card', onsubmit: (event) => void submit(event) },
      el('label', {}, say('password'), input),
      el('button', {}, say('login')),
      el('p', { class: 'bad', role: 'alert' }, say(problem)),
    ),
  );
  input.focus();
}

const unit = (value: number | undefined, digits: number, name: string) =>
  value === undefined ? '—' : `${value.toFixed(digits)} ${name}`;
const units = (values: number[] | undefined, digits: number, name: string) =>
  values === undefined ? '—' : `${values.map((value) => value.toFixed(digits)).join(' / ')} ${name}`;
const colour = (state: string) => (state === 'answering' ? 'good' : state === 'silent' ? 'bad' : 'warn');

async function showMeters(screen: Surface): Promise<void> {
  status = await api<StatusView>('GET', '/api/status');
  drawFrame();
  const cards = status.buses.flatMap((bus) =>
    bus.meters.map(({ id, premises, state, reason, heardAtMs, reading, grid }) =>
      el(
        'section',
        { class: 'card', 'data-meter': id },
        el('header', {}, el('h2', {}, id), el('span', { class: colour(state) }, `● ${say(state)}`)),
        el('p', { class: 'dim' }, [premises, grid, reason].filter((word) => word !== '').join(' · ')),
        el('p', { class: 'figure' }, unit(reading.activePowerW, 0, 'W')),
        facts([
          [say('voltage'), units(reading.voltageV, 1, 'V')],
          [say('current'), units(reading.currentA, 2, 'A')],
          [say('energy'), unit(reading.importWh === undefined ? undefined : reading.importWh / 1000, 2, 'kWh')],
          [say('heard'), time(heardAtMs)],
        ]),
        el('button', { type: 'button', onclick: () => show((screen) => showMeter(screen, id)) }, say('curve')),
      ),
    ),
  );
  screen.replace(el('div', { class: 'cards' }, ...cards));
}

async function showMeter(screen: Surface, id: string): Promise<void> {
  screen.replace();
  await drawMeter(screen, id);
}

/** Load curve, waveform and harmonics below what is shown already, of the load that an alert is about. */
async function drawMeter(screen: Surface, id: string, alert?: string): Promise<void> {
  const picture = (title: string) => {
    const card = el('section', { class: 'card chart' }, el('h2', {}, title));
    screen.append(card);
    return card;
  };
  const meter = encodeURIComponent(id);
  const curve = picture(`${id} · ${say('curve')}`);
  loadCurve(curve, await api<[number, number][]>('GET', `/api/curve?meter=${meter}`));
  const query = alert === undefined ? meter : `${meter}&alert=${encodeURIComponent(alert)}`;
  const wave = await api<Wave>('GET', `/api/wave?meter=${query}`).catch(() => undefined);
  if (wave === undefined) return;
  if (wave.differentialA !== undefined) differential(picture(say('differential')), wave.differentialA);
  harmonics(picture(say('harmonics')), wave);
  waveform(picture(say('wave')), wave);
}

/** One alert with all that speaks for it, and what people have done about it. */
async function showAlert(screen: Surface, alert: Alert): Promise<void> {
  const steps = el('ol', {});
  screen.replace(alertCard(alert, false), el('section', { class: 'card' }, el('h2', {}, say('timeline')), steps));
  const found = await api<Case>('GET', `/api/timeline?alert=${encodeURIComponent(alert.id)}`).catch(() => undefined);
  const lines = found?.steps.map(({ at, step, by, to, note }) =>
    [time(at), say(step), by, to?.join(', '), note].filter((part) => part !== undefined && part !== '').join(' · '),
  );
  steps.replaceChildren(...(lines?.length ? lines : [say('none')]).map((line) => el('li', {}, line)));
  await drawMeter(screen, alert.meter, alert.kind === 'illegal-charging' ? alert.id : undefined);
}

function alertCard(alert: Alert, opens = true): HTMLElement {
  const rank = alert.severity === 'critical' ? 'bad' : alert.severity === 'warning' ? 'warn' : 'dim';
  return el(
    'section',
    { class: 'card', 'data-alert': alert.id },
    el(
      'header',
      {},
      el('h2', {}, `${say(alert.kind)} · ${alert.meter}`),
      el('span', { class: rank }, `${say(alert.severity)} · ${say(alert.state)}`),
    ),
    el(
      'p',
      { class: 'dim' },
      `${time(alert.at)} · ${say('since')} ${time(alert.since)} · ${Math.round(alert.confidence * 100)} %`,
    ),
    facts(Object.entries(alert.evidence).map(([name, value]) => [name, String(value)])),
    opens &&
      el('button', { type: 'button', onclick: () => show((screen) => showAlert(screen, alert)) }, say('evidence')),
  );
}

async function showAlerts(screen: Surface): Promise<void> {
  const alerts = await api<Alert[]>('GET', '/api/alerts');
  screen.replace(
    alerts.length === 0
      ? el('p', { class: 'dim' }, say('none'))
      : el('div', { class: 'cards' }, ...alerts.map((alert) => alertCard(alert))),
  );
}

async function showBus(screen: Surface): Promise<void> {
  status = await api<StatusView>('GET', '/api/status');
  drawFrame();
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const cards = status.buses.map((bus) => {
    const bar = el('i', {});
    bar.style.width = percent(Math.min(1, bus.utilisation));
    const silent = bus.meters.filter((meter) => meter.state === 'silent').length;
    return el(
      'section',
      { class: 'card' },
      el('header', {}, el('h2', {}, bus.port), el('span', { class: bus.open ? 'good' : 'bad' }, bus.reason)),
      el('div', { class: bus.planLoad > 1 ? 'meter over' : 'meter' }, bar),
      facts([
        [say('utilisation'), percent(bus.utilisation)],
        [say('plan'), percent(bus.planLoad)],
        [say('meters'), `${bus.meters.length - silent} / ${bus.meters.length}`],
      ]),
      bus.planLoad > 1 && el('p', { class: 'bad' }, say('does not fit')),
    );
  });
  screen.replace(el('div', { class: 'cards' }, ...cards));
}

function choice(label: string, options: string[]): { field: HTMLElement; value(): string } {
  const select = el('select', {}, ...options.map((option) => el('option', { value: option }, option)));
  return { field: el('label', {}, say(label), select), value: () => select.value };
}

async function showTools(screen: Surface): Promise<void> {
  status ??= await api<StatusView>('GET', '/api/status');
  const output = el('pre', { 'aria-live': 'polite', tabindex: '0' });
  const print = (value: unknown) => output.append(`${JSON.stringify(value)}\n`);
  const meter = choice(
    'meter',
    status.buses.flatMap((bus) => bus.meters.map(({ id }) => id)),
  );
  const port = choice(
    'port',
    status.buses.map((bus) => bus.port),
  );
  const item = el('input', { value: '02010100', required: true });
  const read = (event: Event) => {
    event.preventDefault();
    api('POST', '/api/read', { meter: meter.value(), item: item.value }).then(print, (error) =>
      print({ error: String(error) }),
    );
  };
  let scanning: AbortController | undefined;
  const button = el('button', {}, say('scan'));
  const scan = (event: Event) => {
    event.preventDefault();
    if (scanning !== undefined) return scanning.abort();
    scanning = new AbortController();
    button.textContent = say('stop');
    readLines('/api/scan', { port: port.value() }, print, scanning.signal)
      .catch((error) => print({ error: String(error) }))
      .finally(() => {
        scanning = undefined;
        button.textContent = say('scan');
      });
  };
  screen.replace(
    el(
      'form',
      { class: 'card', onsubmit: read },
      meter.field,
      el('label', {}, say('item'), item),
      el('button', {}, say('read')),
    ),
    el('form', { class: 'card', onsubmit: scan }, port.field, button),
    el('section', { class: 'card' }, output),
  );
}

async function readLines(
  path: string,
  body: object,
  onLine: (value: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'x-gridwarden': '1' },
    body: JSON.stringify(body),
    signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    const lines = (rest + part.value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(JSON.parse(line));
  }
}

async function showSite(screen: Surface): Promise<void> {
  const { text } = await api<{ text: string }>('GET', '/api/site');
  const area = el('textarea', { spellcheck: 'false', 'aria-label': say('site') });
  area.value = text;
  const output = el('pre', { role: 'status' });
  const tell = (problems: string[]) => {
    output.className = problems.length === 0 ? 'good' : 'bad';
    output.textContent = problems.length === 0 ? say('saved') : problems.join('\n');
  };
  // What somebody typed stays on the screen whatever became of it.
  const save = () =>
    api<{ problems: string[] }>('PUT', '/api/site', { text: area.value }).then(
      ({ problems }) => tell(problems),
      (error: unknown) => tell([error instanceof LoginNeeded ? say('login elsewhere') : String(error)]),
    );
  screen.replace(
    area,
    el(
      'form',
      {
        onsubmit: (event) => {
          event.preventDefault();
          void save();
        },
      },
      el('button', {}, say('save')),
    ),
    output,
  );
}

async function showLogs(screen: Surface): Promise<void> {
  const lines = await api<string[]>('GET', '/api/logs');
  screen.replace(
    el('form', { action: '/api/support', method: 'get' }, el('button', {}, say('support'))),
    el('section', { class: 'card' }, el('pre', { tabindex: '0' }, lines.toReversed().join('\n'))),
  );
}

/** A list, or why there is none, is renewed; a view with a field in it is left alone while somebody may be typing. */
const watching = () => main.querySelector('.cards, .fault') !== null && !document.hidden;

/** Live figures go straight into the cards that are on the screen. */
function live(event: PageEvent): void {
  if (event.type === 'alert') {
    if (tab === 'alerts' && watching()) show(showAlerts);
    return;
  }
  const card = main.querySelector(`[data-meter="${CSS.escape(event.meter)}"] .figure`);
  if (card !== null && event.reading.activePowerW !== undefined)
    card.textContent = unit(event.reading.activePowerW, 0, 'W');
}

let events: EventSource | undefined;
function start(): void {
  open(tab);
  events?.close();
  events = new EventSource('/api/events');
  for (const type of ['alert', 'reading'])
    events.addEventListener(type, (event) => live(JSON.parse((event as MessageEvent<string>).data)));
}

byId('language').addEventListener('click', () => {
  setLanguage(currentLanguage() === 'zh' ? 'en' : 'zh');
  open(tab);
});
setLanguage(currentLanguage());
setInterval(() => {
  if (watching() && (tab === 'meters' || tab === 'bus')) show(TABS[tab]);
}, REFRESH_MS);
start();
