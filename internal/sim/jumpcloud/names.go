package jcsim

// A name as people write it and as their username spells it.
type spelled struct{ shown, plain string }

// givenNames and familyNames mix scripts and forms on purpose: precomposed and
// decomposed letters, apostrophes, particles, right-to-left text.
func givenNames() []spelled {
	return []spelled{
		{"Ana", "ana"},
		{"Bo", "bo"},
		{"Chidi", "chidi"},
		{"Dana", "dana"},
		{"Elif", "elif"},
		{"Farid", "farid"},
		{"Grace", "grace"},
		{"Hana", "hana"},
		{"Ines", "ines"},
		{"Jonas", "jonas"},
		{"Keiko", "keiko"},
		{"Luca", "luca"},
		{"Mei", "mei"},
		{"Nadia", "nadia"},
		{"Omar", "omar"},
		{"Priya", "priya"},
		{"Quinn", "quinn"},
		{"Rosa", "rosa"},
		{"Sven", "sven"},
		{"Tariq", "tariq"},
		{"Uma", "uma"},
		{"Viktor", "viktor"},
		{"Wanda", "wanda"},
		{"Xavier", "xavier"},
		{"Yara", "yara"},
		{"Zoe", "zoe"},
		{"Jürgen", "juergen"},
		{"José", "jose"},
		{"Zoë", "zoe"},
		{"Łukasz", "lukasz"},
		{"Renée", "renee"},
		{"Søren", "soeren"},
		{"Tomáš", "tomas"},
		{"Þóra", "thora"},
		{"Ngọc", "ngoc"},
		{"Siobhán", "siobhan"},
		{"D'Arcy", "darcy"},
		{"Anne-Marie", "annemarie"},
		{"美咲", "misaki"},
		{"Иван", "ivan"},
		{"Ολγα", "olga"},
		{"ليلى", "layla"},
	}
}

func familyNames() []spelled {
	return []spelled{
		{"Ruiz", "ruiz"},
		{"Li", "li"},
		{"Okafor", "okafor"},
		{"Novak", "novak"},
		{"Yilmaz", "yilmaz"},
		{"Haddad", "haddad"},
		{"Hopper", "hopper"},
		{"Sato", "sato"},
		{"Silva", "silva"},
		{"Berg", "berg"},
		{"Tanaka", "tanaka"},
		{"Rossi", "rossi"},
		{"Chen", "chen"},
		{"Haidari", "haidari"},
		{"Farouk", "farouk"},
		{"Sharma", "sharma"},
		{"Murphy", "murphy"},
		{"Costa", "costa"},
		{"Lund", "lund"},
		{"Aziz", "aziz"},
		{"Iyer", "iyer"},
		{"Petrov", "petrov"},
		{"Kowalska", "kowalska"},
		{"Dubois", "dubois"},
		{"Khalil", "khalil"},
		{"Papas", "papas"},
		{"Weber", "weber"},
		{"Smith", "smith"},
		{"Jones", "jones"},
		{"Garcia", "garcia"},
		{"Müller", "mueller"},
		{"Núñez", "nunez"},
		{"O'Brien", "obrien"},
		{"van der Berg", "vanderberg"},
		{"Åström", "astroem"},
		{"Žižek", "zizek"},
		{"Øverby", "oeverby"},
		{"Nguyễn", "nguyen"},
		{"Smith-Łoś", "smithlos"},
		{"山田", "yamada"},
		{"Кузнецов", "kuznetsov"},
		{"de la Cruz", "delacruz"},
		{"Mac Giolla", "macgiolla"},
		{"Öztürk", "oeztuerk"},
	}
}

// companies are names of organizations; the first is that of seed 1.
func companies() []string {
	return []string{"Borealis", "Cormorant", "Dunlin", "Egret", "Fulmar", "Gannet", "Heron", "Ibis"}
}

func departments() []string {
	return []string{
		"Engineering", "Sales", "Support", "Operations", "Finance", "Marketing", "IT", "Legal", "People", "Product",
		"Design", "Security", "Research & Development", "Général Affairs",
	}
}

func locations() []string {
	return []string{"Lisbon", "Berlin", "Denver", "Tokyo", "São Paulo", "Nairobi", "Remote", "London", "Zürich", "Bengaluru"}
}

func employeeTypes() []string { return []string{"FTE", "FTE", "FTE", "Contractor", "Intern"} }

func jobTitles() []string {
	return []string{
		"Engineer", "Senior Engineer", "Account Executive", "Analyst", "Manager", "Director", "Designer", "Counsel",
		"Recruiter", "Administrator", "Specialist", "Consultant", "VP", "Coordinator", "Technician",
	}
}

// appTemplate is an entry of the catalog that applications are made from.
type appTemplate struct{ name, title, sso string }

func appTemplates() []appTemplate {
	return []appTemplate{
		{"aws-sso", "AWS IAM Identity Center", "saml"},
		{"slack", "Slack", "saml"},
		{"github", "GitHub", "saml"},
		{"salesforce", "Salesforce", "saml"},
		{"bookmark", "Bookmark", "bookmark"},
		{"custom-oidc", "Custom OIDC App", "oidc"},
		{"zoom", "Zoom", "saml"},
		{"datadog", "Datadog", "saml"},
		{"atlassian", "Atlassian Cloud", "saml"},
		{"box", "Box", "saml"},
		{"zendesk", "Zendesk", "saml"},
		{"figma", "Figma", "oidc"},
		{"notion", "Notion", "oidc"},
		{"sap", "SAP", "saml"},
	}
}

func groupPurposes() []string {
	return []string{"Readers", "Admins", "On-call", "VPN", "Laptops", "Beta", "Leads", "Contractors", "Project", "Approvers", "EU", "US"}
}

func customRoleNames() []string {
	return []string{
		"Auditor", "Access Reviewer", "Répondant d'astreinte", "Device \"Wrangler\"", "Group Manager", "App Owner", "Identity Engineer",
	}
}

// oddNames are names that have broken software before.
func oddNames() []string {
	return []string{
		"Rene\u0301e d\u2019Amour", // decomposed accent
		"Bob \"The Hammer\" O'Neil",
		"  padded  ",
		"🦊 Fox & <Sons>",
		"Robert'); DROP TABLE users;--",
		"back\\slash\ttab",
		"مرحبا Hello",
		"\u202eevil\u202c",
		"İstanbul ǅ ﬃ",
	}
}
