import { atPress, byId, makePasskey, postJson } from '../sign-in/ceremony.ts';

/*
 * On the page after signing in with a wallet: a passkey for the next time. #add-passkey says in data-interaction where its
 * two routes are: …/passkey/addition/options gives `{ options }`, …/passkey/addition takes the passkey.
 */

const button = byId<HTMLButtonElement>('add-passkey');
const routes = `${button.dataset.interaction ?? ''}/passkey/addition`;

atPress(button, async () => {
  const { options } = (await postJson(`${routes}/options`, {})) as {
    options: PublicKeyCredentialCreationOptionsJSON;
  };
  await postJson(routes, await makePasskey(options));
  byId('passkey-ask').hidden = true;
  byId('passkey-done').hidden = false;
});
