//! Words that helpers draw from. Must not hold anything else.

pub(super) static FIRST_NAMES: &[&str] = &[
    "Ada", "Ahmed", "Alba", "Amara", "Anders", "Anna", "Arjun", "Aylin", "Beatriz", "Ben", "Carla", "Chen",
    "Clara", "Daniel", "Diego", "Elena", "Emil", "Emma", "Fatima", "Felix", "Finn", "Freya", "Giulia", "Grace",
    "Hana", "Hugo", "Ida", "Igor", "Ines", "Jakob", "Jana", "Jonas", "Julia", "Kaito", "Karin", "Lea", "Leon",
    "Lina", "Luca", "Maja", "Marco", "Maria", "Mei", "Milan", "Mira", "Nadia", "Nils", "Noah", "Nora", "Olga",
    "Omar", "Oskar", "Paula", "Pedro", "Priya", "Rafael", "Rosa", "Ruben", "Sara", "Sofia", "Tariq", "Tessa",
    "Theo", "Uma", "Viktor", "Yara", "Yuki", "Zoe",
];
pub(super) static LAST_NAMES: &[&str] = &[
    "Abbott", "Adeyemi", "Almeida", "Andersen", "Bauer", "Becker", "Berg", "Bianchi", "Brandt", "Castillo",
    "Cohen", "Costa", "Dahl", "Demir", "Dubois", "Eriksson", "Evans", "Fischer", "Fontaine", "Garcia", "Gruber",
    "Haddad", "Hansen", "Hoffmann", "Horvat", "Ito", "Ivanov", "Jansen", "Kaya", "Keller", "Khan", "Kowalski",
    "Larsen", "Lind", "Lopez", "Marino", "Mensah", "Meyer", "Moreau", "Nakamura", "Nguyen", "Novak", "Okafor",
    "Olsen", "Park", "Patel", "Petrov", "Quinn", "Reyes", "Ricci", "Rossi", "Santos", "Sato", "Schulz", "Silva",
    "Singh", "Suzuki", "Tanaka", "Torres", "Varga", "Visser", "Wagner", "Weber", "Wong", "Yilmaz", "Zhang",
];
pub(super) static NAME_PREFIXES: &[&str] = &[
    "Dr.", "Miss", "Mr.", "Mrs.", "Ms.",
];
pub(super) static NAME_SUFFIXES: &[&str] = &[
    "DDS", "II", "III", "IV", "Jr.", "MD", "PhD", "Sr.",
];
pub(super) static JOB_LEVELS: &[&str] = &[
    "Chief", "Deputy", "District", "Junior", "Lead", "Principal", "Regional", "Senior", "Staff", "Trainee",
];
pub(super) static JOB_AREAS: &[&str] = &[
    "Accounts", "Data", "Facilities", "Field", "Logistics", "Maintenance", "Operations", "Plant", "Quality",
    "Research", "Safety", "Security", "Supply",
];
pub(super) static JOB_TYPES: &[&str] = &[
    "Analyst", "Architect", "Assistant", "Consultant", "Coordinator", "Director", "Engineer", "Manager", "Officer",
    "Planner", "Specialist", "Supervisor", "Technician",
];
pub(super) static CITIES: &[&str] = &[
    "Ashford", "Bremen", "Bristol", "Calgary", "Dover", "Dresden", "Fairview", "Galway", "Ghent", "Graz",
    "Hamburg", "Kingston", "Leeds", "Lisbon", "Lyon", "Malmo", "Milford", "Nantes", "Oakdale", "Oslo", "Porto",
    "Riverside", "Seville", "Springfield", "Tampere", "Trieste", "Turin", "Utrecht", "Valencia", "Winslow",
];
pub(super) static CITY_PREFIXES: &[&str] = &[
    "East", "Lake", "New", "North", "Port", "South", "West",
];
pub(super) static CITY_SUFFIXES: &[&str] = &[
    "borough", "bury", "field", "fort", "haven", "mouth", "stad", "ton", "view", "ville",
];
pub(super) static STREET_SUFFIXES: &[&str] = &[
    "Alley", "Avenue", "Bend", "Court", "Drive", "Lane", "Path", "Road", "Square", "Street", "Terrace", "Way",
];
pub(super) static STREET_PREFIXES: &[&str] = &[
    "Great", "High", "Lower", "Old", "Upper",
];
pub(super) static COUNTIES: &[&str] = &[
    "Avon", "Bedfordshire", "Cambridgeshire", "Cumbria", "Dorset", "Essex", "Kent", "Norfolk", "Suffolk",
];
pub(super) static COUNTRIES: &[&str] = &[
    "Argentina", "Australia", "Austria", "Belgium", "Brazil", "Canada", "Chile", "Denmark", "Egypt", "Finland",
    "France", "Germany", "Ghana", "Greece", "India", "Indonesia", "Ireland", "Italy", "Japan", "Kenya", "Mexico",
    "Morocco", "Netherlands", "New Zealand", "Nigeria", "Norway", "Peru", "Poland", "Portugal", "Singapore",
    "South Africa", "Spain", "Sweden", "Switzerland", "Turkey", "United Kingdom", "United States of America",
    "Vietnam",
];
pub(super) static COUNTRY_CODES: &[&str] = &[
    "AR", "AT", "AU", "BE", "BR", "CA", "CH", "CL", "DE", "DK", "EG", "ES", "FI", "FR", "GB", "GR", "IE", "IN",
    "IT", "JP", "KE", "MA", "MX", "NG", "NL", "NO", "NZ", "PE", "PL", "PT", "SE", "SG", "TR", "US", "VN", "ZA",
];
pub(super) static STATES: &[&str] = &[
    "Alabama", "Alaska", "Arizona", "California", "Colorado", "Florida", "Georgia", "Hawaii", "Idaho", "Illinois",
    "Iowa", "Kansas", "Maine", "Maryland", "Michigan", "Minnesota", "Montana", "Nevada", "New York", "Ohio",
    "Oregon", "Pennsylvania", "Texas", "Utah", "Vermont", "Virginia", "Washington", "Wisconsin", "Wyoming",
];
pub(super) static STATE_CODES: &[&str] = &[
    "AK", "AL", "AZ", "CA", "CO", "FL", "GA", "HI", "IA", "ID", "IL", "KS", "MD", "ME", "MI", "MN", "MT", "NV",
    "NY", "OH", "OR", "PA", "TX", "UT", "VA", "VT", "WA", "WI", "WY",
];
pub(super) static COLORS: &[&str] = &[
    "black", "blue", "cyan", "gold", "green", "grey", "indigo", "ivory", "lime", "magenta", "maroon", "olive",
    "orange", "pink", "plum", "red", "silver", "tan", "teal", "turquoise", "violet", "white", "yellow",
];
pub(super) static DEPARTMENTS: &[&str] = &[
    "Automotive", "Books", "Clothing", "Electronics", "Garden", "Grocery", "Health", "Home", "Industrial", "Music",
    "Outdoors", "Shoes", "Sports", "Tools", "Toys",
];
pub(super) static PRODUCT_ADJECTIVES: &[&str] = &[
    "Compact", "Durable", "Elegant", "Ergonomic", "Handmade", "Light", "Modern", "Practical", "Robust", "Simple",
    "Smart", "Solid",
];
pub(super) static MATERIALS: &[&str] = &[
    "Bronze", "Ceramic", "Concrete", "Cotton", "Glass", "Granite", "Plastic", "Rubber", "Steel", "Wooden",
];
pub(super) static PRODUCTS: &[&str] = &[
    "Bench", "Bottle", "Chair", "Clock", "Gloves", "Hat", "Keyboard", "Lamp", "Shirt", "Shoes", "Table", "Towel",
];
pub(super) static COMPANY_SUFFIXES: &[&str] = &[
    "AG", "and Sons", "Group", "Inc", "LLC", "Ltd",
];
pub(super) static CATCH_ADJECTIVES: &[&str] = &[
    "Adaptive", "Balanced", "Centralized", "Distributed", "Extended", "Integrated", "Managed", "Optional",
    "Reactive", "Secured",
];
pub(super) static CATCH_DESCRIPTORS: &[&str] = &[
    "asynchronous", "bandwidth-monitored", "client-driven", "fault-tolerant", "global", "hybrid", "local",
    "modular", "real-time", "stable",
];
pub(super) static CATCH_NOUNS: &[&str] = &[
    "ability", "alliance", "architecture", "capacity", "firmware", "framework", "hub", "interface", "matrix",
    "monitoring", "protocol", "toolset",
];
pub(super) static BS_VERBS: &[&str] = &[
    "aggregate", "deliver", "deploy", "drive", "enable", "extend", "harness", "monetize", "optimize", "scale",
    "streamline", "transform",
];
pub(super) static BS_ADJECTIVES: &[&str] = &[
    "agile", "clicks-and-mortar", "dynamic", "end-to-end", "frictionless", "global", "granular", "holistic",
    "next-generation", "robust", "scalable",
];
pub(super) static BS_NOUNS: &[&str] = &[
    "channels", "communities", "convergence", "deliverables", "experiences", "infrastructures", "markets",
    "metrics", "networks", "platforms", "solutions", "supply-chains",
];
pub(super) static MONTHS: &[&str] = &[
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
];
pub(super) static WEEKDAYS: &[&str] = &[
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
];
pub(super) static ACCOUNT_TYPES: &[&str] = &[
    "Auto Loan", "Checking", "Credit Card", "Home Loan", "Investment", "Money Market", "Personal Loan", "Savings",
];
pub(super) static TRANSACTION_TYPES: &[&str] = &[
    "deposit", "invoice", "payment", "withdrawal",
];
pub(super) static CURRENCY_CODES: &[&str] = &[
    "AUD", "BRL", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "INR", "JPY", "KRW", "MXN", "NOK", "NZD", "PLN", "SEK",
    "SGD", "TRY", "USD", "ZAR",
];
pub(super) static CURRENCY_NAMES: &[&str] = &[
    "Canadian Dollar", "Danish Krone", "Euro", "Indian Rupee", "Mexican Peso", "New Zealand Dollar",
    "Norwegian Krone", "Pound Sterling", "Rand", "Swedish Krona", "Swiss Franc", "US Dollar", "Yen",
    "Yuan Renminbi", "Zloty",
];
pub(super) static CURRENCY_SYMBOLS: &[&str] = &[
    "$", "£", "¥", "€", "kr", "zł", "₩", "₹",
];
pub(super) static HACKER_ABBREVIATIONS: &[&str] = &[
    "ADP", "AI", "API", "COM", "CSS", "EXE", "FTP", "HDD", "HTTP", "JSON", "PCI", "RAM", "RSS", "SAS", "SMTP",
    "SQL", "SSD", "SSL", "TCP", "USB", "XML",
];
pub(super) static HACKER_ADJECTIVES: &[&str] = &[
    "auxiliary", "back-end", "bluetooth", "cross-platform", "digital", "haptic", "mobile", "multi-byte", "neural",
    "online", "open-source", "optical", "redundant", "solid state", "virtual", "wireless",
];
pub(super) static HACKER_NOUNS: &[&str] = &[
    "alarm", "array", "bandwidth", "bus", "capacitor", "card", "driver", "feed", "firewall", "interface", "matrix",
    "microchip", "monitor", "panel", "pixel", "port", "program", "protocol", "sensor", "transmitter",
];
pub(super) static HACKER_VERBS: &[&str] = &[
    "back up", "bypass", "calculate", "compress", "connect", "copy", "generate", "hack", "index", "input",
    "navigate", "override", "parse", "program", "quantify", "reboot", "synthesize", "transmit",
];
pub(super) static HACKER_GERUNDS: &[&str] = &[
    "backing up", "bypassing", "calculating", "compressing", "connecting", "copying", "generating", "hacking",
    "indexing", "navigating", "overriding", "parsing", "programming", "quantifying", "synthesizing",
    "transmitting",
];
pub(super) static LOREM: &[&str] = &[
    "ad", "aliqua", "aliquip", "amet", "anim", "aute", "cillum", "commodo", "consectetur", "consequat", "culpa",
    "cupidatat", "deserunt", "do", "dolor", "dolore", "duis", "ea", "eiusmod", "elit", "enim", "est", "et", "eu",
    "ex", "excepteur", "exercitation", "fugiat", "id", "in", "incididunt", "ipsum", "irure", "labore", "laboris",
    "laborum", "lorem", "magna", "minim", "mollit", "nisi", "non", "nostrud", "nulla", "occaecat", "officia",
    "pariatur", "proident", "qui", "quis", "reprehenderit", "sed", "sint", "sit", "sunt", "tempor", "ullamco",
    "ut", "velit", "veniam", "voluptate",
];
pub(super) static DOMAIN_SUFFIXES: &[&str] = &[
    "biz", "com", "info", "name", "net", "org",
];
pub(super) static USER_AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
];
pub(super) static MIME_TYPES: &[&str] = &[
    "application/gzip", "application/json", "application/pdf", "application/zip", "audio/mpeg", "image/jpeg",
    "image/png", "text/csv", "text/html", "text/plain", "video/mp4",
];
pub(super) static FILE_TYPES: &[&str] = &[
    "application", "audio", "image", "text", "video",
];
pub(super) static FILE_EXTENSIONS: &[&str] = &[
    "csv", "gif", "gz", "html", "jpg", "json", "mp3", "mp4", "pdf", "png", "txt", "wav", "xml", "zip",
];
pub(super) static FOLDERS: &[&str] = &[
    "/bin", "/etc", "/home", "/lib", "/opt", "/srv", "/tmp", "/usr/bin", "/usr/lib", "/var/log",
];
pub(super) static LOCALES: &[&str] = &[
    "cz", "de", "en", "en_GB", "en_US", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt_BR", "ru", "sv", "tr",
    "zh_CN",
];
