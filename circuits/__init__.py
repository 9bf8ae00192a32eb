"""Margin rules as linear circuits: what is proven. An auditor reads this folder to know what a policy means.

The policies         scenario  brackets  collateral  each states N, E, R and I of its book, in a page
The language         expression  parameters  atoms/  curvature, named parameters; one convex function a file
                     builder  alone                  inputs, statements, deficits: the vocabulary of a policy
From rule to circuit draft  lowering  layout         columns and integer rows; one rounding rule; who lies where
                     arrays  parts  folds            exact integers in arrays; sides in their digits; rotations
                     compile                         policy + market + risk table -> circuit, by circuit version
The circuit          variables  circuit  encoding    columns, equations, structural facts; canonical bytes, digest
                     incidence                       where a variable stands
                     published  explanation  overstatement     totals; in words; what rounding can cost
Why it is sound      facts  structure  rules  rules_*          the compile rules, run again by every verifier
The witness          loading  steps  fill  fill_*  evaluate  witness   the canonical row of every account at once

`compile.compile_circuit` is the way in; it returns a `compiled.CompiledBook` with `circuit` and `fill`.
"""
