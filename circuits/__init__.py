"""Margin rules as linear circuits: what is proven. An auditor reads this folder to know what a policy means.

The policies         scenario  portfolio_margin  brackets  collateral  derive_pm2  derive_srm  historical
                     sensitivities                   each states N, E, R and I of its book, in a page
                     trading  liquidity              what all books with positions state alike; closing costs
The language         expression  parameters  atoms/  curvature, named parameters; one convex function a file
                     builder  alone                  inputs, statements, deficits, legs: the vocabulary of a policy
From rule to circuit draft  lowering  layout         columns and integer rows; one rounding rule; who lies where
                     arrays  parts  folds            exact integers in arrays; sides in their digits; rotations
                     compile                         policy + market + risk table -> circuit, by circuit version
The circuit          variables  circuit              columns, equations, structural facts
                     declarations  incidence         what is declared of columns; where a variable stands
                     encoding                        canonical bytes, digest
                     published  explanation  overstatement     totals; in words; what rounding can cost
Why it is sound      facts  structure  rules  rules_*          the compile rules, run again by every verifier
The witness          loading  steps  fill  fill_*    the canonical row of every account at once
                     evaluate  term_sums  witness    sums over sparse columns; the rows, and whether one is satisfied

`compile.compile_circuit` is the way in; it returns a `compiled.CompiledBook` with `circuit` and `fill`.
"""
