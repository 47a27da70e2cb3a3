"""Texts with slots for the benchmark of masking.

DEVELOPMENT was used while the rules were written. SEALED was written from another angle, by kinds of people
who write to a help desk, and used to measure only.
"""

DEVELOPMENT = """
my name is {{chat_name}} and i cant log in
hi this is {{chat_name}}, my order {{order}} has not come
Regards,\\n{{person}}
it should be delivered to {{address}}
i moved, the new address is {{address}}
call me on {{phone_number}} or mail {{email}}
my card {{credit_card_number}} was declined twice for {{invoice}}
please refund to {{iban}}
my ssn is {{ssn}}
social security number: {{ssn}}
SIN {{sin}}
my tax id is {{national_id}}
my identity card number {{national_id}}
my driver's licence is {{us_driver_license}}
passport number {{passport}} expired
the passport is {{passport}}
i logged in from {{ip_address}} today
mac address {{mac}}
the router shows {{mac}}
I was born on {{date_of_birth}}
DOB: {{date_of_birth}}
my date of birth is {{date_of_birth}}, order {{order}}
send it to my wallet {{wallet}}
the key {{api_key}} does not work
my password is {{password}}
I typed {{password}} as my password
pass={{password}}
the code you sent me is {{code}}
2FA: {{code}}
your site gave me the code {{code}} but it says wrong
my pin is {{code}}
i got this link {{secret_url}} and it fails
routing number {{routing}} account number {{account}}
acct no. {{account}}
"""
SECOND = """
Good morning, {{name}} here. I am 71 and my grandson set this up; the bank card is {{credit_card_number}} if
that is any use to you. yo its {{chat_name}} again lol still locked out, texted code was {{code}}
To whom it may concern: I, {{name}}, resident at {{address}}, request the deletion of my data.
can u ring my mum {{chat_name}} on {{phone_number}} she knows
Passenger {{name}}, passport {{passport}}, was charged twice.
we are a small firm, invoices go to {{email}}, vat office knows me as {{name}}
for verification: born {{date_of_birth}}, licence {{us_driver_license}}
so i put in {{password}} for the password like always and nope
ive tried logging in with {{password}} but password wrong they say
hunter was wrong so now my pw = {{password}}
SMS said {{code}} is your verification code. Entered it, nothing.
wifi box sticker says MAC {{mac}}, our static ip should be {{ip_address}}
please transfer the 45.90 to {{iban}}, account holder {{name}}
the ABA is {{routing}} and my checking account is {{account}}
Account number: {{account}}\\nName: {{name}}\\nDOB: {{date_of_birth}}
curl -H "Authorization: Bearer {{api_key}}" returns 401
export API_KEY={{api_key}}
my last four... no here is the whole social, {{ssn}}
{{ssn}} <- thats my SSN, need it for the 1099
Ma'am my Aadhaar/national ID is {{national_id}} kindly update
NI number {{national_id}} as per payslip
btc refund pls: {{wallet}}
the mail contains {{secret_url}} - safe to click?
Deliver next time to {{street}} not the old flat
hey {{first_name}}, thx for the help yesterday
My husband {{name}} opened the account, his birthday's {{date_of_birth}}
ticket for mrs {{last_name}}: number {{phone_number}} unreachable
i'm {{first_name}} from the shop on the corner
Sent from my phone\\n{{name}}
pls cancel, cc {{credit_card_number}}
Lost my driving license ({{us_driver_license}}) and my purse
{{code}} was the pin i set
two factor thing wants a code, app shows {{code}}
Ship to:\\n{{name}}\\n{{address}}
"""
SEALED = """
Dear Sirs, my late wife {{name}} held this membership. Kindly close it. {{name}}, {{street}}
omg its me {{first_name}} from yesterday!! still no refund on {{credit_card_number}} :(
I run a bakery, my landline is {{phone_number}}, ask for {{name}}
Reporting for my client {{name}} (date of birth {{date_of_birth}}, passport {{passport}})
we got a letter for {{name}}, {{address}} but nobody by that name lives here
Typed {{password}} in as the passphrase, twice, rejected both times
my kid changed the password to {{password}} i think
user {{email}} / password {{password}}
Your robot asked for the one-time code: it was {{code}}
just got a text saying use {{code}} as your login code, did not ask for it
tan {{code}} did not go through
sortcode and stuff?? ABA routing {{routing}}, acct number {{account}}
wire it to {{iban}} pls, beneficiary {{name}}
My SSN ends up wrong on the form, it should read {{ssn}}
please correct my national insurance / tax number to {{national_id}}
dl number {{us_driver_license}} from texas
the cable modem {{mac}} keeps dropping, public address {{ip_address}}
fyi we rotated the key, new one is {{api_key}}
withdraw to {{wallet}} is stuck since monday
clicked {{secret_url}} and it says expired
my colleague {{chat_name}} cannot open the invoice
spoke with {{name}} on the phone last week about this
could you forward this to {{email}} and cc {{email}}?
account is under {{chat_name}}, born {{date_of_birth}}
new flat: {{address}}
send the replacement to {{name}}, {{street}}
thanks!\n{{first_name}}
Hello {{first_name}}, thanks for your quick reply
You can reach me under {{phone_number}} after 5pm
mobile {{phone_number}}, home {{phone_number}}
passport no {{passport}} was used at check in
"""
MAY_STAY = """
Order {{order}} and invoice {{invoice}} of 12.11.2025 over 1,249.00 EUR
delivery on 2025-11-28 between 09:00 and 12:30
error KT-1004 after version 10.2.3.4 came out
we run build 4.0.30319.42000 and v1.2.3.4
it takes 3 to 5 working days, 14 days to return it
my password is not accepted, I reset it 3 times in 2024
the verification code never arrived
promo code SAVE20 gives 20% off
i was charged 45.90 twice on 3 november
ratio 16:9, 1920x1080, 5.000 steps
ticket 48213 is still open since 10/12
See https://help.example/en/articles/reset-your-password?page=2#steps
"""
