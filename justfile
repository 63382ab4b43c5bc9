# The words that CI and people share.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo xtask tidy
test:
    cargo test --workspace --locked
case NAME:
    cargo test -p sluice --test cases -- {{NAME}}
complete NAME:
    cargo xtask complete {{NAME}}
ci:
    .ci/run
