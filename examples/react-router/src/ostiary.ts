import { createOstiary } from "@ostiary/client";
import { createAuthorize } from "@ostiary/client/react-router";
import texts from "@ostiary/client/texts/en";

/** The one client of this page. */
export const ostiary = createOstiary({ baseUrl: import.meta.env.VITE_OSTIARY ?? "", texts });
export const authorize = createAuthorize(ostiary);
