//! Helpers that need no argument: a name and what it is made of. Names are those of faker.js 4, which the Kinesis Data
//! Generator carries, and of later versions where they were renamed. Must not hold helpers that take arguments: those
//! are in `resolve`.

use super::words;

/// What a helper is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipe {
    /// One of these.
    Words(&'static [&'static str]),
    /// `#` a digit, `?` a letter, `*` either.
    Pattern(&'static str),
    /// Other helpers.
    Template(&'static str),
    /// Other helpers, in letters that an address may have.
    Address(&'static str),
}
use Recipe::{Address, Pattern, Template, Words};

/// Every helper of this kind.
pub(super) static CATALOG: &[(&str, Recipe)] = &[
    ("name.firstName", Words(words::FIRST_NAMES)),
    ("name.lastName", Words(words::LAST_NAMES)),
    (
        "name.findName",
        Template("{{name.firstName}} {{name.lastName}}"),
    ),
    (
        "name.fullName",
        Template("{{name.firstName}} {{name.lastName}}"),
    ),
    ("name.prefix", Words(words::NAME_PREFIXES)),
    ("name.suffix", Words(words::NAME_SUFFIXES)),
    ("name.title", Template("{{name.jobTitle}}")),
    (
        "name.jobTitle",
        Template("{{name.jobDescriptor}} {{name.jobArea}} {{name.jobType}}"),
    ),
    ("name.jobDescriptor", Words(words::JOB_LEVELS)),
    ("name.jobArea", Words(words::JOB_AREAS)),
    ("name.jobType", Words(words::JOB_TYPES)),
    ("person.firstName", Words(words::FIRST_NAMES)),
    ("person.lastName", Words(words::LAST_NAMES)),
    ("person.fullName", Template("{{name.findName}}")),
    ("person.jobTitle", Template("{{name.jobTitle}}")),
    ("address.zipCode", Pattern("#####")),
    ("address.city", Words(words::CITIES)),
    ("address.cityPrefix", Words(words::CITY_PREFIXES)),
    ("address.citySuffix", Words(words::CITY_SUFFIXES)),
    (
        "address.streetName",
        Template("{{name.lastName}} {{address.streetSuffix}}"),
    ),
    (
        "address.streetAddress",
        Template("{{random.number({\"min\":1,\"max\":999})}} {{address.streetName}}"),
    ),
    ("address.streetSuffix", Words(words::STREET_SUFFIXES)),
    ("address.streetPrefix", Words(words::STREET_PREFIXES)),
    (
        "address.secondaryAddress",
        Template("Apt. {{random.number({\"min\":100,\"max\":999})}}"),
    ),
    ("address.county", Words(words::COUNTIES)),
    ("address.country", Words(words::COUNTRIES)),
    ("address.countryCode", Words(words::COUNTRY_CODES)),
    ("address.state", Words(words::STATES)),
    ("address.stateAbbr", Words(words::STATE_CODES)),
    (
        "address.latitude",
        Template("{{number.float({\"min\":-90,\"max\":90,\"fractionDigits\":4})}}"),
    ),
    (
        "address.longitude",
        Template("{{number.float({\"min\":-180,\"max\":180,\"fractionDigits\":4})}}"),
    ),
    (
        "address.nearbyGPSCoordinate",
        Template("{{address.latitude}},{{address.longitude}}"),
    ),
    ("location.city", Words(words::CITIES)),
    ("location.country", Words(words::COUNTRIES)),
    ("location.countryCode", Words(words::COUNTRY_CODES)),
    ("location.state", Words(words::STATES)),
    ("location.zipCode", Pattern("#####")),
    (
        "location.streetAddress",
        Template("{{address.streetAddress}}"),
    ),
    ("location.latitude", Template("{{address.latitude}}")),
    ("location.longitude", Template("{{address.longitude}}")),
    ("commerce.color", Words(words::COLORS)),
    ("commerce.department", Words(words::DEPARTMENTS)),
    (
        "commerce.productName",
        Template("{{commerce.productAdjective}} {{commerce.productMaterial}} {{commerce.product}}"),
    ),
    (
        "commerce.productAdjective",
        Words(words::PRODUCT_ADJECTIVES),
    ),
    ("commerce.productMaterial", Words(words::MATERIALS)),
    ("commerce.product", Words(words::PRODUCTS)),
    ("company.suffixes", Words(words::COMPANY_SUFFIXES)),
    ("company.companySuffix", Words(words::COMPANY_SUFFIXES)),
    (
        "company.companyName",
        Template("{{name.lastName}} {{company.companySuffix}}"),
    ),
    ("company.name", Template("{{company.companyName}}")),
    (
        "company.catchPhrase",
        Template(
            "{{company.catchPhraseAdjective}} {{company.catchPhraseDescriptor}} {{company.catchPhraseNoun}}",
        ),
    ),
    (
        "company.catchPhraseAdjective",
        Words(words::CATCH_ADJECTIVES),
    ),
    (
        "company.catchPhraseDescriptor",
        Words(words::CATCH_DESCRIPTORS),
    ),
    ("company.catchPhraseNoun", Words(words::CATCH_NOUNS)),
    (
        "company.bs",
        Template("{{company.bsBuzz}} {{company.bsAdjective}} {{company.bsNoun}}"),
    ),
    ("company.bsAdjective", Words(words::BS_ADJECTIVES)),
    ("company.bsBuzz", Words(words::BS_VERBS)),
    ("company.bsNoun", Words(words::BS_NOUNS)),
    ("date.month", Words(words::MONTHS)),
    ("date.weekday", Words(words::WEEKDAYS)),
    (
        "finance.accountName",
        Template("{{finance.accountType}} Account"),
    ),
    ("finance.accountType", Words(words::ACCOUNT_TYPES)),
    ("finance.transactionType", Words(words::TRANSACTION_TYPES)),
    ("finance.currencyCode", Words(words::CURRENCY_CODES)),
    ("finance.currencyName", Words(words::CURRENCY_NAMES)),
    ("finance.currencySymbol", Words(words::CURRENCY_SYMBOLS)),
    ("hacker.abbreviation", Words(words::HACKER_ABBREVIATIONS)),
    ("hacker.adjective", Words(words::HACKER_ADJECTIVES)),
    ("hacker.noun", Words(words::HACKER_NOUNS)),
    ("hacker.verb", Words(words::HACKER_VERBS)),
    ("hacker.ingverb", Words(words::HACKER_GERUNDS)),
    (
        "hacker.phrase",
        Template(
            "Try to {{hacker.verb}} the {{hacker.adjective}} {{hacker.abbreviation}} {{hacker.noun}}!",
        ),
    ),
    (
        "image.image",
        Template("https://images.example/{{random.number(1000)}}/640x480.jpg"),
    ),
    (
        "image.avatar",
        Template("https://images.example/avatar/{{random.number(1000)}}.jpg"),
    ),
    (
        "image.imageUrl",
        Template("https://images.example/640x480.jpg"),
    ),
    ("internet.avatar", Template("{{image.avatar}}")),
    (
        "internet.email",
        Address(
            "{{name.firstName}}.{{name.lastName}}{{random.number(99)}}@{{internet.domainName}}",
        ),
    ),
    (
        "internet.exampleEmail",
        Address(
            "{{name.firstName}}.{{name.lastName}}{{random.number(99)}}@example.{{random.arrayElement([\"com\",\"net\",\"org\"])}}",
        ),
    ),
    (
        "internet.userName",
        Address("{{name.firstName}}_{{name.lastName}}{{random.number(99)}}"),
    ),
    (
        "internet.username",
        Address("{{name.firstName}}_{{name.lastName}}{{random.number(99)}}"),
    ),
    ("internet.protocol", Words(&["http", "https"])),
    (
        "internet.url",
        Template("{{internet.protocol}}://{{internet.domainName}}"),
    ),
    (
        "internet.domainName",
        Template("{{internet.domainWord}}.{{internet.domainSuffix}}"),
    ),
    ("internet.domainSuffix", Words(words::DOMAIN_SUFFIXES)),
    ("internet.domainWord", Address("{{name.lastName}}")),
    ("internet.userAgent", Words(words::USER_AGENTS)),
    (
        "phone.phoneFormats",
        Words(&[
            "###-###-####",
            "(###) ###-####",
            "1-###-###-####",
            "###.###.####",
        ]),
    ),
    ("random.locale", Words(words::LOCALES)),
    ("random.word", Words(words::LOREM)),
    ("random.image", Template("{{image.image}}")),
    ("lorem.word", Words(words::LOREM)),
    ("word.noun", Words(words::HACKER_NOUNS)),
    (
        "system.fileName",
        Address("{{lorem.word}}_{{lorem.word}}.{{system.fileExt}}"),
    ),
    (
        "system.commonFileName",
        Address("{{lorem.word}}_{{lorem.word}}.{{system.commonFileExt}}"),
    ),
    ("system.mimeType", Words(words::MIME_TYPES)),
    ("system.commonFileType", Words(words::FILE_TYPES)),
    ("system.commonFileExt", Words(words::FILE_EXTENSIONS)),
    ("system.fileType", Words(words::FILE_TYPES)),
    ("system.fileExt", Words(words::FILE_EXTENSIONS)),
    ("system.directoryPath", Words(words::FOLDERS)),
    (
        "system.filePath",
        Template("{{system.directoryPath}}/{{system.fileName}}"),
    ),
    (
        "system.semver",
        Template("{{random.number(9)}}.{{random.number(9)}}.{{random.number(9)}}"),
    ),
];

/// What the original has and this simulator does not.
pub(super) static REFUSED: &[&str] = &[
    "helpers.mustache",
    "helpers.createCard",
    "helpers.contextualCard",
    "helpers.userCard",
    "helpers.createTransaction",
];
