// Reads the alert settings out of the API's description: every kind with its fields, bounds and defaults.

/** Returns `[{ name, description, fields: [{ name, description, type, nullable, fallback, min, max }] }]`. */
export function alertKinds(document) {
  const schemas = document.components.schemas;
  const settings = schemas.AlertSettings;
  return Object.entries(settings.properties).map(([name, property]) => {
    const kind = resolved(schemas, property);
    const fields = Object.entries(kind.properties).map(([field, schema]) => described(field, resolved(schemas, schema)));
    return { name, description: kind.description ?? "", fields };
  });
}

function resolved(schemas, schema) {
  const reference = schema.$ref ?? [...(schema.allOf ?? []), ...(schema.anyOf ?? [])].find((each) => each.$ref)?.$ref;
  return reference ? { ...schemas[reference.split("/").pop()], ...without(schema, "$ref", "allOf", "anyOf") } : schema;
}

function described(name, schema) {
  const alternatives = schema.anyOf ?? [schema];
  const value = alternatives.find((each) => each.type !== "null") ?? schema;
  return {
    name,
    description: schema.description ?? "",
    type: value.type,
    nullable: alternatives.some((each) => each.type === "null"),
    fallback: schema.default ?? null,
    min: value.minimum ?? null,
    max: value.maximum ?? null,
  };
}

function without(object, ...names) {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
