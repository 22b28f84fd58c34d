import { writeSync } from 'node:fs';
import { notesGenesis, noteWire, openNotesLedger } from './test-ledger.ts';
import { testSigner } from './test-signer.ts';

/** A node under load, to be killed: prints the id of each transaction whose outcome it was told. */
const folder = process.argv[2] as string;
const labels = ['alice', 'bob', 'carol'];
const ledger = await openNotesLedger(folder, notesGenesis(labels), { threads: 1, segmentBytes: 64 * 1024 });

await Promise.all(
  Array.from({ length: 24 }, async (_, client) => {
    const signer = testSigner(labels[client % labels.length] as string);
    for (let i = 0; ; i++) {
      const message = { type: 'note.put', name: `c${client}i${i % 50}`, text: 'x'.repeat(client * 20) };
      const { outcome } = await ledger.submit(noteWire(ledger.genesisHash, signer, message, Date.now() + 60_000));
      // Into the pipe before anything else happens: what the parent reads was acknowledged.
      writeSync(1, `${outcome.id}\n`);
      if (i % 10 === 0)
        await ledger.signedHead().then(({ head }) => writeSync(1, `head ${head.height} ${head.appHash}\n`));
    }
  }),
);
