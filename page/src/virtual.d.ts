/** Made by `build.mjs` of the API's description. */
declare module "virtual:alert-kinds" {
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

  const kinds: AlertKind[];
  export default kinds;
}
