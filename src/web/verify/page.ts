import { isCometBftTrust, parseTrust, type Trust } from '../../chain/receipt/trust.ts';
import { isReject } from '../../std/reject.ts';
import { checkReceipts } from './check-receipts.ts';
import { type FileRole, type GivenFile, roleOfFile } from './given-file.ts';
import { resultCard } from './result-card.ts';

/** The verify page: files in, verdicts out. It asks no server and keeps nothing. */

const given: { receipts: GivenFile[]; trust?: GivenFile; content?: GivenFile } = { receipts: [] };
/** Counts runs, so that one whose files were replaced stops. */
let run = 0;

function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element as T;
}

function say(id: string, content: string): void {
  byId(id).textContent = content;
}

function trouble(message: string): void {
  say('trouble', message);
  byId('trouble').hidden = message === '';
}

async function take(files: readonly File[], role?: FileRole): Promise<void> {
  trouble('');
  for (const file of files) {
    const one = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
    const found = role ?? roleOfFile(one);
    if (found === 'receipt') given.receipts.push(one);
    else given[found] = one;
  }
  await show();
}

async function show(): Promise<void> {
  const { receipts, trust: file, content } = given;
  state(
    'receipts',
    receipts.length === 1 ? receipts[0]?.name : receipts.length > 1 ? `${receipts.length} files` : undefined,
  );
  state('trust', file?.name);
  state('content', content?.name);
  const trust = file === undefined ? undefined : readTrust(file);
  showLedger(trust);
  byId('results').replaceChildren();
  byId('outcome').hidden = trust === undefined || receipts.length === 0;
  run++;
  if (trust !== undefined && receipts.length > 0) await checkAll(trust);
  else if (receipts.length > 0 && file === undefined)
    trouble('Now choose the trust file: genesis.json of the ledger, or a checkpoint.');
}

function state(slot: FileRole | 'receipts', name: string | undefined): void {
  byId(`slot-${slot}`).classList.toggle('given', name !== undefined);
  say(`${slot}-state`, name ?? 'none yet');
}

function readTrust(file: GivenFile): Trust | undefined {
  try {
    return parseTrust(file.bytes);
  } catch (error) {
    if (!isReject(error)) throw error;
    trouble(`${file.name}: ${error.message.slice(error.code.length + 2)}`);
    return undefined;
  }
}

function showLedger(trust: Trust | undefined): void {
  byId('ledger').hidden = trust === undefined;
  if (trust === undefined) return;
  const witnesses = trust.witnesses.map(({ name }) => name);
  say(
    'ledger-name',
    trust.head === undefined
      ? 'You trust this ledger from its genesis.'
      : `You trust this ledger from height ${trust.head.height}.`,
  );
  const seen = witnesses.length === 0 ? 'It names no witness.' : `Witnesses: ${witnesses.join(', ')}.`;
  say('ledger-detail', `${operatorText(trust)} ${seen}`);
  say('ledger-hash', trust.genesis.replaceAll(/(.{8})(?=.)/g, '$1 '));
}

/** Whose signatures prove this ledger, from where the trust file begins. */
function operatorText({ operator }: Trust): string {
  if (!isCometBftTrust(operator)) return 'One operator signs it.';
  const { length } = operator.validators;
  return length === 1 ? 'One member signs it.' : `${length} members sign it, by more than two thirds of their votes.`;
}

async function checkAll(trust: Trust): Promise<void> {
  const mine = run;
  const { receipts, content } = given;
  const progress = byId<HTMLProgressElement>('progress');
  progress.max = receipts.length;
  progress.hidden = receipts.length < 2;
  const counts = { proved: 0, refused: 0 };
  const tell = (): void => {
    const done = counts.proved + counts.refused;
    progress.value = done;
    const refused = counts.refused === 0 ? '' : `, ${counts.refused} refused`;
    say(
      'summary',
      `${done < receipts.length ? 'Checking… ' : ''}${counts.proved} of ${receipts.length} proved${refused}`,
    );
  };
  tell();
  try {
    await checkReceipts(
      receipts,
      { trust, content },
      {
        isWanted: () => mine === run,
        async checked(result) {
          counts['refused' in result ? 'refused' : 'proved']++;
          byId('results').append(resultCard(result));
          tell();
          // Lets the page draw and answer between receipts.
          if ((counts.proved + counts.refused) % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
        },
      },
    );
  } catch (error) {
    trouble(faultText(error));
  }
}

function faultText(error: unknown): string {
  if (error instanceof Error && error.name === 'NotSupportedError')
    return 'This browser cannot check Ed25519 signatures; use a newer one, or “aceso verify” on the command line.';
  return `The check broke off, which is a fault of this page and says nothing of the receipt: ${String(error)}`;
}

function listen(): void {
  const inputs = { trust: 'trust', receipts: 'receipt', content: 'content' } as const;
  for (const [id, role] of Object.entries(inputs)) {
    const input = byId<HTMLInputElement>(id);
    input.addEventListener('change', async () => {
      const files = [...(input.files ?? [])];
      // The same file can be chosen again after it was replaced on disk.
      input.value = '';
      await take(files, role);
    });
  }
  const drop = byId('drop');
  const mark = (isOver: boolean) => drop.classList.toggle('over', isOver);
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  document.addEventListener('drop', async (event) => {
    event.preventDefault();
    mark(false);
    await take([...(event.dataTransfer?.files ?? [])]);
  });
  byId('clear').addEventListener('click', async () => {
    given.receipts = [];
    delete given.content;
    trouble('');
    await show();
    byId('receipts').focus();
  });
}

listen();
if (location.protocol.startsWith('http')) {
  byId<HTMLAnchorElement>('save-link').href = location.pathname;
  byId('save').hidden = false;
}
if (globalThis.crypto?.subtle === undefined)
  trouble(
    'Browsers check signatures only on https, on localhost, or in a saved file: save this page and open it from disk.',
  );
