"""Invented names, places and jobs: what a made-up person can be called and where the desk stands.

Given names and surnames are common ones of their language, put together at random: nobody is meant. Each carries its
ASCII spelling, because user principal names have no other letters ("Jörg|joerg"; without a bar it is the name in
lower case without its accents).
"""

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """A country and the office in it."""

    code: str  # ISO 3166 alpha-2
    name: str
    number: int
    city: str


COUNTRIES = {
    code: Country(code, name, number, city)
    for code, name, number, city in (
        ("DE", "Germany", 276, "Leipzig"),
        ("AT", "Austria", 40, "Graz"),
        ("FR", "France", 250, "Nantes"),
        ("ES", "Spain", 724, "Bilbao"),
        ("GB", "United Kingdom", 826, "Leeds"),
        ("IE", "Ireland", 372, "Cork"),
        ("US", "United States", 840, "Denver"),
        ("PL", "Poland", 616, "Gdynia"),
        ("TR", "Türkiye", 792, "Bursa"),
        ("JP", "Japan", 392, "Sendai"),
        ("CN", "China", 156, "Chengdu"),
        ("IN", "India", 356, "Pune"),
        ("GR", "Greece", 300, "Patras"),
        ("VN", "Viet Nam", 704, "Hue"),
        ("NG", "Nigeria", 566, "Ibadan"),
        ("DK", "Denmark", 208, "Aarhus"),
    )
}

_CULTURES = {
    "DE": (
        "Jörg|joerg Jürgen|juergen Anna Käthe|kaethe Lukas Mia Sören|soeren Ute",
        "Müller|mueller Schäfer|schaefer Groß|gross Vogel Köhler|koehler Beck Lorenz Weiß|weiss",
    ),
    "AT": (
        "Leopold Vroni Matthäus|matthaeus Resi Xaver Gerlinde Franz Burgi",
        "Huber Gruber Pichler Moser Höfer|hoefer Wurzinger Egger Aigner",
    ),
    "FR": (
        "Zoé Chloé François Hélène Théo Amélie Loïc Maëlle",
        "Lefèvre Dupré Garçon Béranger Moreau D’Arcy|darcy Chevrel Noël",
    ),
    "ES": (
        "Íñigo Begoña José Núria Iván Ángela Martín Sofía",
        "Muñoz Ibáñez Peña Gutiérrez Núñez Ordóñez Sáez Castaño",
    ),
    "GB": (
        "Alice Oliver Harriet George Poppy Alfie Imogen Rhys",
        "Ashworth Holroyd Bradshaw Clegg Pemberton Ackroyd Shaw Wooler",
    ),
    "IE": (
        "Siobhán Niamh Conor Aoife Pádraig Saoirse Eoin Róisín",
        "O’Brien|obrien O'Neill|oneill O'Shea|oshea Murphy Kavanagh Dwyer Brady O'Dea|odea",
    ),
    "US": (
        "Jane Tyler Grace Mason Ruby Wyatt Hazel Logan",
        "Doe Carter Sullivan Hayes McBride Foster Reyes Whitlock",
    ),
    "PL": (
        "Łukasz|lukasz Małgorzata|malgorzata Paweł|pawel Agnieszka Zofia Józef Michał|michal Ewa",
        "Wójcik Dąbrowski Łęcki|lecki Zając Król|krol Nowak Sikora Gąsior",
    ),
    "TR": (
        "Işıl|isil Çağla|cagla Ömer Gülşen|gulsen Emre Ayşe Şenol İlker|ilker",
        "Yıldız|yildiz Çelik Öztürk Şahin Kaya Doğan Işık|isik Aydın|aydin",
    ),
    "JP": (
        "健太|kenta 美咲|misaki さくら|sakura 翔|sho 陽子|yoko 大輔|daisuke 直美|naomi 蓮|ren",
        "佐藤|sato 鈴木|suzuki 高橋|takahashi 田中|tanaka 渡辺|watanabe 山本|yamamoto 小林|kobayashi 加藤|kato",
    ),
    "CN": (
        "伟|wei 芳|fang 娜|na 秀英|xiuying 敏|min 静|jing 丽|li 强|qiang",
        "王|wang 李|li 张|zhang 刘|liu 陈|chen 杨|yang 黄|huang 赵|zhao",
    ),
    "IN": (
        "Aarav Priya Rohan Kavita Arjun Meera Vikram Ananya",
        "Kulkarni Joshi Deshpande Patil Rao Iyer Nair Bhatt",
    ),
    "GR": (
        "Ελένη|eleni Γιώργος|giorgos Μαρία|maria Νίκος|nikos Αθηνά|athina Κώστας|kostas Άννα|anna Πέτρος|petros",
        "Παππάς|pappas Βλάχος|vlachos Νικολάου|nikolaou Δήμου|dimou Ρήγας|rigas Λύρας|lyras Μάρκου|markou Γάτος|gatos",
    ),
    "VN": (
        "Dũng|dung Hương|huong Thảo|thao Tuấn|tuan Ngọc|ngoc Bình|binh Lan Đức|duc",
        "Nguyễn|nguyen Trần|tran Phạm|pham Đặng|dang Bùi|bui Lê|le Vũ|vu Hồ|ho",
    ),
    "NG": (
        "Chinedu Adaeze Olúṣẹ́gun|olusegun Ngozi Emeka Yétúndé|yetunde Tunde Ifeoma",
        "Okafor Adéyẹmí|adeyemi Balogun Eze Ọbáfẹ́mi|obafemi Nwosu Bello Okoro",
    ),
    "DK": (
        "Søren|soeren Åse|aase Kåre|kaare Mette Jørgen|joergen Dorthe Bjørn|bjoern Sidsel",
        "Ægidius|aegidius Sørensen|soerensen Østergaard|oestergaard Krogh Bjerre Nygård|nygaard Holm Riis",
    ),
}

Name = tuple[str, str]  # as the person writes it, and in ASCII


def _name(text: str) -> Name:
    written, _, ascii_form = text.partition("|")
    if not ascii_form:
        letters = unicodedata.normalize("NFKD", written.casefold())
        ascii_form = "".join(letter for letter in letters if letter.isascii() and letter.isalnum())
    return unicodedata.normalize("NFC", written), ascii_form


# by country: eight given names and eight surnames
CULTURES: tuple[tuple[Country, tuple[Name, ...], tuple[Name, ...]], ...] = tuple(
    (COUNTRIES[code], tuple(map(_name, given.split())), tuple(map(_name, surnames.split())))
    for code, (given, surnames) in _CULTURES.items()
)

DEPARTMENTS = ("Finance", "Sales", "Engineering", "Legal", "Logistics", "People & Culture", "Research", "Service")
TITLES = ("Analyst", "Engineer", "Clerk", "Specialist", "Coordinator", "Team Lead", "Consultant", "Technician")
PERSONAL_DOMAINS = ("example.net", "example.org", "example.com")
