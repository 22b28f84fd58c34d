import { atPress, byId, makePasskey, postJson } from '../sign-in/ceremony.ts';

/*
 * The page of an enrolment link. Its code stands behind the #, which browsers send to nobody: no log of a server or
 * proxy has it. `enrol/options` takes `{ code }` and gives `{ options }`; `enrol/verify` takes the passkey with it.
 */

let code = '';

function takeCode(): void {
  if (location.hash.length < 2) return;
  code = location.hash.slice(1);
  // Neither does the history keep it, nor a picture of the screen.
  history.replaceState(null, '', location.pathname);
  show(false);
  byId('fault').textContent = '';
}

function show(isDone: boolean): void {
  byId('ask').hidden = isDone;
  byId('done').hidden = !isDone;
}

takeCode();
// A second link opened in the same tab changes nothing but what stands behind the #.
addEventListener('hashchange', takeCode);

atPress(byId<HTMLButtonElement>('enrol'), async () => {
  const { options } = (await postJson('enrol/options', { code })) as {
    options: PublicKeyCredentialCreationOptionsJSON;
  };
  await postJson('enrol/verify', { code, response: await makePasskey(options) });
  show(true);
  byId('done').focus();
});
