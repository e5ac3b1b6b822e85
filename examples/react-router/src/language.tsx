import { Link, useLoaderData, type LoaderFunctionArgs } from "react-router";
import type { Translation } from "@ostiary/client";
import { UserCan } from "@ostiary/client/react";
import { Editor } from "./editor.js";
import { authorize, ostiary } from "./ostiary.js";

const read = async ({ params }: LoaderFunctionArgs) => {
  const path = { languageCode: params.code! };
  const language = await ostiary.unwrap(ostiary.api.GET("/api/languages/{languageCode}", { params: { path } }));
  const translations: Translation[] = [];
  for await (const one of ostiary.items("/api/languages/{languageCode}/translations", { path })) translations.push(one);
  return { language, translations };
};
export const loadLanguage = authorize(
  { action: "read", subject: "Language", id: ({ params }: LoaderFunctionArgs) => params.code },
  read,
);

export function Language() {
  const { language, translations } = useLoaderData<Awaited<ReturnType<typeof read>>>();
  return (
    <>
      <h1>{language.name}</h1>
      <UserCan action="administer" subject="Language" id={language.code}>
        <Link to="members">Members</Link>
      </UserCan>
      {translations.map((translation) => (
        <UserCan
          key={translation.key}
          action="translate"
          subject="Language"
          id={language.code}
          fallback={<p>{translation.text}</p>}
        >
          <Editor translation={translation} />
        </UserCan>
      ))}
    </>
  );
}
