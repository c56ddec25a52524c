"""Countries by the names that HR systems write: ISO 3166-1 alpha-2, alpha-3 and English names.

usageLocation takes alpha-2 alone; the usual wrong one is UK (ISO says GB). Subdivisions and retired codes are
not countries here. The list holds the 249 entries of ISO 3166-1.
"""

from recon.decode.keys import fold

# alpha-2 alpha-3 short name | further names in use; a second line of a country goes on with its names
_LIST = """
AF AFG Afghanistan
AX ALA Åland Islands|Aland Islands|Aland
AL ALB Albania
DZ DZA Algeria
AS ASM American Samoa
AD AND Andorra
AO AGO Angola
AI AIA Anguilla
AQ ATA Antarctica
AG ATG Antigua and Barbuda|Antigua & Barbuda
AR ARG Argentina
AM ARM Armenia
AW ABW Aruba
AU AUS Australia
AT AUT Austria
AZ AZE Azerbaijan
BS BHS Bahamas|The Bahamas|Bahamas, The
BH BHR Bahrain
BD BGD Bangladesh
BB BRB Barbados
BY BLR Belarus
BE BEL Belgium
BZ BLZ Belize
BJ BEN Benin
BM BMU Bermuda
BT BTN Bhutan
BO BOL Bolivia, Plurinational State of|Bolivia|Bolivia (Plurinational State of)|Plurinational State of Bolivia
BQ BES Bonaire, Sint Eustatius and Saba|Caribbean Netherlands
BA BIH Bosnia and Herzegovina|Bosnia & Herzegovina|Bosnia-Herzegovina|Bosnia
BW BWA Botswana
BV BVT Bouvet Island
BR BRA Brazil
IO IOT British Indian Ocean Territory
BN BRN Brunei Darussalam|Brunei
BG BGR Bulgaria
BF BFA Burkina Faso
BI BDI Burundi
CV CPV Cabo Verde|Cape Verde
KH KHM Cambodia
CM CMR Cameroon
CA CAN Canada
KY CYM Cayman Islands
CF CAF Central African Republic
TD TCD Chad
CL CHL Chile
CN CHN China|People's Republic of China|Mainland China|PRC
CX CXR Christmas Island
CC CCK Cocos (Keeling) Islands|Cocos Islands|Keeling Islands
CO COL Colombia
KM COM Comoros
CG COG Congo|Republic of the Congo|Congo, Republic of the|Congo-Brazzaville|Congo (Brazzaville)
CD COD Congo, The Democratic Republic of the|Democratic Republic of the Congo|Congo, Democratic Republic of the
CD COD Congo (Democratic Republic of the)
CD COD Congo-Kinshasa|Congo (Kinshasa)|Congo (DRC)|DRC
CK COK Cook Islands
CR CRI Costa Rica
CI CIV Côte d'Ivoire|Cote d'Ivoire|Ivory Coast
HR HRV Croatia
CU CUB Cuba
CW CUW Curaçao|Curacao
CY CYP Cyprus
CZ CZE Czechia|Czech Republic
DK DNK Denmark
DJ DJI Djibouti
DM DMA Dominica
DO DOM Dominican Republic
EC ECU Ecuador
EG EGY Egypt
SV SLV El Salvador
GQ GNQ Equatorial Guinea
ER ERI Eritrea
EE EST Estonia
SZ SWZ Eswatini|Swaziland
ET ETH Ethiopia
FK FLK Falkland Islands (Malvinas)|Falkland Islands
FO FRO Faroe Islands|Faeroe Islands
FJ FJI Fiji
FI FIN Finland
FR FRA France
GF GUF French Guiana
PF PYF French Polynesia
TF ATF French Southern Territories
GA GAB Gabon
GM GMB Gambia|The Gambia|Gambia, The
GE GEO Georgia
DE DEU Germany
GH GHA Ghana
GI GIB Gibraltar
GR GRC Greece
GL GRL Greenland
GD GRD Grenada
GP GLP Guadeloupe
GU GUM Guam
GT GTM Guatemala
GG GGY Guernsey
GN GIN Guinea
GW GNB Guinea-Bissau|Guinea Bissau
GY GUY Guyana
HT HTI Haiti
HM HMD Heard Island and McDonald Islands|Heard & McDonald Islands
VA VAT Holy See (Vatican City State)|Holy See|Vatican City|Vatican City State|Vatican
HN HND Honduras
HK HKG Hong Kong|Hong Kong SAR|Hong Kong SAR China|Hong Kong S.A.R.
HU HUN Hungary
IS ISL Iceland
IN IND India
ID IDN Indonesia
IR IRN Iran, Islamic Republic of|Iran|Iran (Islamic Republic of)|Islamic Republic of Iran
IQ IRQ Iraq
IE IRL Ireland|Republic of Ireland
IM IMN Isle of Man
IL ISR Israel
IT ITA Italy
JM JAM Jamaica
JP JPN Japan
JE JEY Jersey
JO JOR Jordan
KZ KAZ Kazakhstan
KE KEN Kenya
KI KIR Kiribati
KP PRK Korea, Democratic People's Republic of|Korea (Democratic People's Republic of)
KP PRK Democratic People's Republic of Korea|North Korea|Korea, North
KR KOR Korea, Republic of|Korea (Republic of)|Republic of Korea|South Korea|Korea, South
KW KWT Kuwait
KG KGZ Kyrgyzstan|Kyrgyz Republic
LA LAO Lao People's Democratic Republic|Laos|Lao PDR
LV LVA Latvia
LB LBN Lebanon
LS LSO Lesotho
LR LBR Liberia
LY LBY Libya
LI LIE Liechtenstein
LT LTU Lithuania
LU LUX Luxembourg
MO MAC Macao|Macau|Macao SAR|Macau SAR|Macao SAR China
MG MDG Madagascar
MW MWI Malawi
MY MYS Malaysia
MV MDV Maldives
ML MLI Mali
MT MLT Malta
MH MHL Marshall Islands
MQ MTQ Martinique
MR MRT Mauritania
MU MUS Mauritius
YT MYT Mayotte
MX MEX Mexico
FM FSM Micronesia, Federated States of|Micronesia|Micronesia (Federated States of)|Federated States of Micronesia
MD MDA Moldova, Republic of|Moldova|Moldova (Republic of)|Republic of Moldova
MC MCO Monaco
MN MNG Mongolia
ME MNE Montenegro
MS MSR Montserrat
MA MAR Morocco
MZ MOZ Mozambique
MM MMR Myanmar|Burma|Myanmar (Burma)
NA NAM Namibia
NR NRU Nauru
NP NPL Nepal
NL NLD Netherlands|The Netherlands|Netherlands, The|Netherlands, Kingdom of the|Netherlands (Kingdom of the)|Holland
NC NCL New Caledonia
NZ NZL New Zealand
NI NIC Nicaragua
NE NER Niger
NG NGA Nigeria
NU NIU Niue
NF NFK Norfolk Island
MK MKD North Macedonia|Republic of North Macedonia|Macedonia|Macedonia, FYRO
MP MNP Northern Mariana Islands
NO NOR Norway
OM OMN Oman
PK PAK Pakistan
PW PLW Palau
PS PSE Palestine, State of|Palestine|State of Palestine|Palestinian Territories|Palestinian Authority
PS PSE Palestinian Territory, Occupied
PA PAN Panama
PG PNG Papua New Guinea
PY PRY Paraguay
PE PER Peru
PH PHL Philippines|The Philippines
PN PCN Pitcairn|Pitcairn Islands
PL POL Poland
PT PRT Portugal
PR PRI Puerto Rico
QA QAT Qatar
RE REU Réunion|Reunion
RO ROU Romania
RU RUS Russian Federation|Russia
RW RWA Rwanda
BL BLM Saint Barthélemy|Saint Barthelemy|St. Barthélemy|St Barthelemy
SH SHN Saint Helena, Ascension and Tristan da Cunha|Saint Helena|St. Helena|St Helena
KN KNA Saint Kitts and Nevis|St. Kitts and Nevis|St. Kitts & Nevis|St Kitts and Nevis
LC LCA Saint Lucia|St. Lucia|St Lucia
MF MAF Saint Martin (French part)|Saint Martin|St. Martin|St Martin
PM SPM Saint Pierre and Miquelon|St. Pierre and Miquelon|St. Pierre & Miquelon
VC VCT Saint Vincent and the Grenadines|St. Vincent and the Grenadines|St. Vincent & Grenadines
WS WSM Samoa
SM SMR San Marino
ST STP Sao Tome and Principe|São Tomé and Príncipe|São Tomé & Príncipe
SA SAU Saudi Arabia|Kingdom of Saudi Arabia
SN SEN Senegal
RS SRB Serbia
SC SYC Seychelles
SL SLE Sierra Leone
SG SGP Singapore
SX SXM Sint Maarten (Dutch part)|Sint Maarten
SK SVK Slovakia|Slovak Republic
SI SVN Slovenia
SB SLB Solomon Islands
SO SOM Somalia
ZA ZAF South Africa
GS SGS South Georgia and the South Sandwich Islands|South Georgia & South Sandwich Islands
SS SSD South Sudan
ES ESP Spain
LK LKA Sri Lanka
SD SDN Sudan
SR SUR Suriname
SJ SJM Svalbard and Jan Mayen|Svalbard & Jan Mayen
SE SWE Sweden
CH CHE Switzerland
SY SYR Syrian Arab Republic|Syria
TW TWN Taiwan, Province of China|Taiwan
TJ TJK Tajikistan
TZ TZA Tanzania, United Republic of|Tanzania|United Republic of Tanzania
TH THA Thailand
TL TLS Timor-Leste|East Timor|Timor Leste
TG TGO Togo
TK TKL Tokelau
TO TON Tonga
TT TTO Trinidad and Tobago|Trinidad & Tobago
TN TUN Tunisia
TR TUR Türkiye|Turkiye|Turkey
TM TKM Turkmenistan
TC TCA Turks and Caicos Islands|Turks & Caicos Islands
TV TUV Tuvalu
UG UGA Uganda
UA UKR Ukraine
AE ARE United Arab Emirates|UAE|U.A.E.
GB GBR United Kingdom of Great Britain and Northern Ireland|United Kingdom|UK|U.K.|Great Britain|Britain
US USA United States of America|United States|The United States|U.S.|U.S.A.|America
UM UMI United States Minor Outlying Islands|U.S. Outlying Islands
UY URY Uruguay
UZ UZB Uzbekistan
VU VUT Vanuatu
VE VEN Venezuela, Bolivarian Republic of|Venezuela|Venezuela (Bolivarian Republic of)|Bolivarian Republic of Venezuela
VN VNM Viet Nam|Vietnam
VG VGB Virgin Islands, British|Virgin Islands (British)|British Virgin Islands
VI VIR Virgin Islands, U.S.|Virgin Islands (U.S.)|U.S. Virgin Islands|US Virgin Islands|United States Virgin Islands
WF WLF Wallis and Futuna|Wallis & Futuna
EH ESH Western Sahara
YE YEM Yemen
ZM ZMB Zambia
ZW ZWE Zimbabwe
"""


def _read() -> tuple[frozenset[str], dict[str, str]]:
    codes: set[str] = set()
    names: dict[str, str] = {}
    for line in _LIST.strip().splitlines():
        alpha2, alpha3, spellings = line.split(" ", 2)
        codes.add(alpha2)
        for spelling in (alpha2, alpha3, *spellings.split("|")):
            key = fold(spelling.replace("’", "'"))
            if key is None or names.setdefault(key, alpha2) != alpha2:
                raise ValueError(f"two countries are called {spelling}")
    return frozenset(codes), names


_CODES, _NAMES = _read()


def country_code(text: str | None) -> str | None:
    """The alpha-2 code of a country written as alpha-2, alpha-3 or an English name; None when none is meant.

    Case and blanks at the ends do not matter. UK and U.K. are GB.
    """
    key = fold(text)
    return None if key is None else _NAMES.get(key.replace("’", "'"))


def is_country_code(text: str | None) -> bool:
    """True for an ISO 3166-1 alpha-2 code in capitals, exactly as usageLocation wants it; UK is none."""
    return text in _CODES
