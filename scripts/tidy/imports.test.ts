import { describe, expect, test } from "bun:test";

import { circleThrough, importsOf } from "./imports";

function importsIn(sources: Record<string, string>): Record<string, string[]> {
  const imports = importsOf(new Map(Object.entries(sources)));
  return Object.fromEntries([...imports].map(([file, imported]) => [file, [...imported]]));
}

/** What `core/src/a.rs` imports, beside a file `b.rs` that declares `B`, and its child `c.rs`. */
function rust(code: string): string[] | undefined {
  const others = {
    "core/src/b.rs": "mod c;\npub(crate) use c::{C as D, E};\nstruct B;",
    "core/src/b/c.rs": "pub struct C; pub struct E;",
  };
  return importsIn({ "core/src/a.rs": code, ...others })["core/src/a.rs"];
}

describe("TypeScript", () => {
  test("a file imports what it names, types and lazy imports too, with an end or without", () => {
    const imports = importsIn({
      "src/a.ts": 'import type { B } from "./b";\nexport { c } from "../src/c.js";\nimport("./d");',
      "src/b.ts": 'import { z } from "zod";',
      "src/c.js": "",
      "src/d/index.ts": 'import "../a";',
    });
    expect(imports["src/a.ts"]).toEqual(["src/b.ts", "src/c.js", "src/d/index.ts"]);
    expect(imports["src/b.ts"]).toEqual([]);
    expect(imports["src/d/index.ts"]).toEqual(["src/a.ts"]);
  });
});

describe("Rust", () => {
  test("a file imports what it names in a use or by a path", () => {
    expect(rust("use crate::b::B;")).toEqual(["core/src/b.rs"]);
    expect(rust("fn f() { super::b::B::new() }")).toEqual(["core/src/b.rs"]);
    expect(rust("use crate::b;\nfn f() -> b::B {}")).toEqual(["core/src/b.rs"]);
  });

  test("a name that is re-exported leads to the file that declares it", () => {
    expect(rust("use crate::b::{self, D};")).toEqual(["core/src/b/c.rs"]);
    expect(rust("use crate::{b::{E}};")).toEqual(["core/src/b/c.rs"]);
  });

  test("a module, a re-export alone, a comment, a text and a test import nothing", () => {
    expect(rust("mod b;\nuse crate::b;\npub use b::B;")).toEqual([]);
    expect(rust('// b::B\nconst X: &str = "crate::b::B";')).toEqual([]);
    expect(rust("#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}")).toEqual([]);
    expect(rust("use std::b::B;")).toEqual([]);
  });

  test("a re-export that the file itself names is an import", () => {
    expect(rust("pub use crate::b::B;\nfn f(b: B) {}")).toEqual(["core/src/b.rs"]);
  });

  test("what a parent has by a glob leads on, and what it declares does not", () => {
    const imports = importsIn({
      "core/src/lib.rs": "mod p;",
      "core/src/p.rs": "mod q;\npub use self::q::*;\nstruct P;",
      "core/src/p/q.rs": "pub struct Q;",
      "core/src/p/r.rs": "use super::{P, Q};",
    });
    expect(imports["core/src/p/r.rs"]).toEqual(["core/src/p.rs", "core/src/p/q.rs"]);
  });
});

test("the shortest circle through a file is found, and none where there is none", () => {
  const imports = importsOf(
    new Map([
      ["a.ts", 'import "./b"; import "./c";'],
      ["b.ts", 'import "./c";'],
      ["c.ts", 'import "./a"; import "./d";'],
      ["d.ts", ""],
    ]),
  );
  expect(circleThrough("a.ts", imports)).toEqual(["a.ts", "c.ts", "a.ts"]);
  expect(circleThrough("b.ts", imports)).toEqual(["b.ts", "c.ts", "a.ts", "b.ts"]);
  expect(circleThrough("d.ts", imports)).toBeUndefined();
});
