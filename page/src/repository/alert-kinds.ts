/** The alert settings as the API's description has them; `build.mjs` makes them a file of their own. */
import { call } from "../api/client.ts";

declare const ALERT_KINDS_PATH: string;

export interface AlertField {
  name: string;
  description: string;
  type: "boolean" | "integer" | "number";
  nullable: boolean;
  fallback: number | boolean | null;
  min: number | null;
  max: number | null;
}

export interface AlertKind {
  name: string;
  description: string;
  fields: AlertField[];
}

export function alertKinds(): Promise<AlertKind[]> {
  return call("GET", ALERT_KINDS_PATH);
}
