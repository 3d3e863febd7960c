/** What a contract has that an API implements, and no API does: for the file that `mortise implement` begins with. */
export { neverServed } from "../../publish/implement/checks.ts";
