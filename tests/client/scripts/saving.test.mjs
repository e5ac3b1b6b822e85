import assert from "node:assert/strict";
import test from "node:test";
import { signedIn } from "./browser.mjs";

const text = (key, value, version) => ({ languageCode: "de", key: `${key}/${process.pid}`, text: value, version });

test("a text that somebody else has changed is not overwritten, and the conflict has both", async () => {
  const ada = await signedIn("ada@example.org");
  const { saved } = await ada.save(text("title", "Willkommen", null));
  assert.equal(saved.version, 1);
  await ada.save(text("title", "Servus", 1));
  const { conflict } = await ada.save(text("title", "Hallo", 1));
  assert.equal(conflict.mine.text, "Hallo");
  assert.deepEqual([conflict.theirs.text, conflict.theirs.version, conflict.theirName], ["Servus", 2, "Ada"]);
  const over = await ada.save(conflict.overwrite);
  assert.deepEqual([over.saved.text, over.saved.version, over.conflict], ["Hallo", 3, null]);
});

test("a text that was deleted meanwhile is a conflict with nothing, and can be saved as new", async () => {
  const ada = await signedIn("ada@example.org");
  const mine = text("gone", "Hallo", null);
  await ada.save(mine);
  const params = { path: { languageCode: "de", key: mine.key }, header: { "If-Match": '"1"' } };
  await ada.unwrap(ada.api.DELETE("/api/languages/{languageCode}/translations/{key}", { params }));
  const { conflict } = await ada.save({ ...mine, version: 1 });
  assert.equal(conflict.theirs, null);
  assert.equal((await ada.save(conflict.overwrite)).conflict, null);
});

test("a text that must be new and exists is a conflict; another refusal is thrown", async () => {
  const [ada, eve] = [await signedIn("ada@example.org"), await signedIn("eve@example.org")];
  await ada.save(text("new", "eins", null));
  assert.equal((await ada.save(text("new", "zwei", null))).conflict.theirs.text, "eins");
  await assert.rejects(eve.save(text("new", "drei", 1)), { code: "forbidden" });
});
