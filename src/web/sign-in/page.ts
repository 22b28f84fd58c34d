import { atPress, byId, postJson, usePasskey } from './ceremony.ts';

/*
 * The page on which people sign in. #passkey says in data-interaction where its two routes are: …/passkey/options gives
 * `{ options }`, …/passkey takes the answer and gives `{ location }`, where the browser goes on.
 */

const button = byId<HTMLButtonElement>('passkey');
const routes = `${button.dataset.interaction ?? ''}/passkey`;

atPress(button, async () => {
  const { options } = (await postJson(`${routes}/options`, {})) as { options: PublicKeyCredentialRequestOptionsJSON };
  const answer = await postJson(routes, await usePasskey(options));
  const next = new URL((answer as { location: string }).location, document.baseURI);
  // The node sends nobody elsewhere from here; what follows on its own pages may.
  if (next.origin !== location.origin) throw new Error('the next page is elsewhere');
  location.assign(next);
});
