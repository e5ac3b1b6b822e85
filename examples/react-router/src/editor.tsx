import { useState } from "react";
import { OstiaryError, type Conflict, type EditedTranslation, type Translation } from "@ostiary/client";
import { ostiary } from "./ostiary.js";

/** Edits one text. If somebody else has saved it meanwhile, it shows both texts, and the user decides. */
export function Editor({ translation }: { translation: Translation }) {
  const [edited, setEdited] = useState<EditedTranslation>(translation);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [told, setTold] = useState("");

  const save = async (mine: EditedTranslation) => {
    try {
      const { saved, conflict: met } = await ostiary.save(mine);
      setConflict(met);
      setTold(saved ? `Saved as version ${saved.version}` : "");
      if (saved) setEdited(saved);
    } catch (error) {
      setTold(error instanceof OstiaryError ? error.text() : "The service cannot be reached.");
    }
  };
  const takeTheirs = () => {
    setEdited(conflict?.theirs ?? { ...edited, version: null });
    setConflict(null);
  };

  return (
    <section aria-label={translation.key}>
      <label>
        {translation.key}{" "}
        <input value={edited.text} onChange={(event) => setEdited({ ...edited, text: event.target.value })} />
      </label>
      <button onClick={() => void save(edited)}>Save</button>
      <output>{told}</output>
      {conflict && (
        <div role="alert">
          <p>
            {conflict.theirName ?? "Somebody"} has changed this to: <q>{conflict.theirs?.text ?? "nothing"}</q>
          </p>
          <button onClick={() => void save(conflict.overwrite)}>Keep mine</button>
          <button onClick={takeTheirs}>Take theirs</button>
        </div>
      )}
    </section>
  );
}
