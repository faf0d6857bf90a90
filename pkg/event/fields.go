package event

// FirstAttr is the least number an attribute may have; those below are the
// envelope's. Numbers are never used again for another meaning.
const FirstAttr = 100

// The attributes that trackers read. Their numbers, and those of all others,
// stand in schemas/events/fields.yaml; a test holds both equal.
const (
	FieldContactID      = 100
	FieldConversationID = 101
	FieldCustomerID     = 102
	FieldAgentID        = 103
	FieldQueueID        = 104
	FieldTeamID         = 105
	FieldChannel        = 106
	FieldDirection      = 107
	FieldInitiation     = 108
	FieldOutcome        = 109
	FieldBy             = 110
	FieldReason         = 111
	FieldMode           = 112
	FieldToQueueID      = 113
	FieldToAgentID      = 114
	FieldPriority       = 119

	FieldStatus             = 151
	FieldActor              = 153
	FieldVisibility         = 154
	FieldAutomated          = 155
	FieldTicketType         = 159
	FieldTag                = 160
	FieldAdded              = 161
	FieldIntoConversationID = 162
	FieldMergedBeganAt      = 171

	FieldState     = 124
	FieldAvailable = 183
)
