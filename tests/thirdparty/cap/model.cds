// Tables shaped like those of Dynamics, so far as CAP lets them: it has no alternate keys, so the number is the key.
@path: '/api/data/v9.2' @requires: 'any'
service dynamics {
  @cds.query.limit: { default: 5, max: 5 }
  entity accounts {
    key accountnumber : String(60);
        name          : String(160) @mandatory;
        telephone1    : String(50);
        creditlimit   : Decimal(19, 4);
        @assert.range: [ 0, 1 ]
        statecode     : Integer default 0;
        contacts      : Composition of many contacts on contacts.parent = $self;
  }

  entity contacts {
    key contactid : UUID;
        lastname  : String(50);
        parent    : Association to accounts;
  }

  // CAP wants an If-Match for each write to a table with an ETag (428 otherwise), so the upserts go to accounts.
  entity products {
    key productnumber : String(60);
        name          : String(100);
        @odata.etag @cds.on.insert: $now @cds.on.update: $now
        modifiedon    : Timestamp;
  }

  function WhoAmI() returns { UserId : UUID; OrganizationId : UUID; };
}
