// The API key, kept as long as the tab.

const NAME = "shardcast-key";
const dialog = document.querySelector("#key");
const input = document.querySelector("#key-input");

/** @returns {string | undefined} */
export function apiKey() {
  return sessionStorage.getItem(NAME) ?? undefined;
}

/** Asks for it, and resolves when there is an answer. */
export async function askForKey() {
  if (!dialog.open) dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  sessionStorage.setItem(NAME, input.value);
  input.value = "";
}
